"""A translated setting makes the same averages, and what is left over is said with its size."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from caviar.analysis.theory.advice.differences import Rule
from caviar.analysis.theory.advice.framework_words import words_of
from caviar.analysis.theory.advice.translation import (
    Translation,
    text,
    translate,
    translate_any,
)
from caviar.model.averages.conventions import KEEP, SECOND, Convention
from caviar.model.averages.frameworks import ALL, FRAMEWORKS

NAMES = sorted(FRAMEWORKS)


def rule(row: Convention) -> Rule:
    return Rule(*(getattr(row, name) for name in Rule.__match_args__))


def between(source: str, target: str, decay: float | None = None, m: int | None = 8) -> Translation:
    words = words_of(source), words_of(target)
    return translate(rule(ALL[source]), rule(ALL[target]), words, decay, m)


def decay_of(name: str) -> float | None:
    row = ALL[name]
    return 0.95 if row.uses_decay and row.decay is None else None


@pytest.mark.parametrize("source", NAMES)
def test_the_decay_keeps_as_much_of_the_past(source: str) -> None:
    """After many updates both weigh the old value alike, whatever each calls it."""
    row, m = ALL[source], 8
    for target in NAMES:
        told = between(source, target, decay_of(source))
        plain = [name for name in (source, target) if ALL[name].keep == "cumulative"]
        if plain:
            assert told.decay is None
            assert bool([line for line in told.differs if "no decay" in line]) == (len(plain) == 1)
            continue
        before = KEEP[row.keep](decay_of(source) or row.decay or 0.0, 1_000_000, m)
        assert told.decay is not None
        after = KEEP[ALL[target].keep](told.decay, 1_000_000, m)
        assert after == pytest.approx(before, rel=1e-12), target
        set_to = float(re.findall(r"[\d.]+(?:e-?\d+)?", told.settings[0])[-1].rstrip("."))
        old = 1 - told.decay if "complement" in words_of(target).decay else told.decay
        assert set_to == pytest.approx(old, rel=1e-5), target


@pytest.mark.parametrize("source", NAMES)
def test_copied_statistics_normalise_as_before(source: str) -> None:
    """What the target reads, with the epsilon that is set, is what the source read."""
    random = np.random.default_rng(0)
    for target in NAMES:
        told = between(source, target, decay_of(source))
        stored = SECOND[ALL[source].second].stored(random.uniform(0.5, 3, 5), 8, told.epsilon)
        name, formula = told.copied[1].split(" = ", 1)
        assert name == words_of(target).stored[1]
        code = formula.replace(words_of(source).stored[1], "stored")
        carried = eval(code, {"stored": stored, "sqrt": np.sqrt})
        before, after = (
            SECOND[ALL[row].second].variance(value, told.epsilon)
            for row, value in ((source, stored), (target, carried))
        )
        np.testing.assert_allclose(after, before, rtol=1e-9)
        epsilon = words_of(target).epsilon.format(epsilon=f"{ALL[source].epsilon:g}")
        assert epsilon in told.settings


@pytest.mark.parametrize("m", [4, 32])
@pytest.mark.parametrize("target", ["pytorch", "keras-2", "keras-3", "lasagne", "dl4j-old"])
@pytest.mark.parametrize("source", ["pytorch", "keras-3", "lasagne"])
def test_estimators_differ_by_what_is_said(source: str, target: str, m: int) -> None:
    random = np.random.default_rng(1)
    variance = random.chisquare(m - 1, 400_000) / m
    settled = []
    for name in (target, source):
        row = SECOND[ALL[name].second]
        mean = row.stored(variance, m, 1e-9).mean(keepdims=True)
        settled.append(float(row.variance(mean, 1e-9)[0]))
    told = [line for line in between(source, target, m=m).differs if "settles at" in line]
    if ALL[source].second == ALL[target].second or {source, target} == {"keras-3", "dl4j-old"}:
        assert not told
    else:
        factor = float(told[0].split("settles at ")[1].split(" times")[0])
        assert factor == pytest.approx(settled[0] / settled[1], rel=0.02)


def test_keras_in_pytorch() -> None:
    told = between("keras-3", "pytorch", m=None)
    assert told.settings == ("momentum=0.01", "eps=0.001")
    assert told.copied == ("running_mean = moving_mean", "running_var = moving_variance")
    assert "--batch-size and, for a convolution, --positions say by how much" in told.differs[0]
    assert between("pytorch-cumulative", "pytorch-cumulative").settings[0] == "momentum=None"
    assert "raises epsilon to 1.001e-05" in " ".join(between("pytorch", "tensorflow-fused").differs)
    assert "until that weighs under 1% after 459 updates" in " ".join(
        between("keras-3", "caffe").differs
    )
    head, copied, left = text(told).split("\n\n")
    assert head == "keras-3 in pytorch: momentum=0.01, eps=0.001"
    assert copied.startswith("To copy statistics\n- running_mean = moving_mean\n")
    assert left.startswith(
        "What these settings do not translate\n- pytorch averages sum of squares / (m - 1)"
    )


def test_a_rule_counts_all_positions_of_a_convolution() -> None:
    """4 images of 49 positions: 196 / 195 = 1.005, and not the 4 / 3 of four numbers."""
    rules = [rule(ALL[name]) for name in ("keras-3", "pytorch")]
    (told,) = translate_any(rules[:1], rules[1:], None, 4, 49)
    assert "settles at 1.005 times keras-3's at m = 196" in told.differs[0]


def test_what_further_training_needs_beside_copied_statistics() -> None:
    """One more update of d = 0.9 weighs what was copied by 0.9, and by 0 or 0.47 without it.

    Haiku's average is hidden / (1 - d^counter) (haiku/_src/moving_averages.py), Caffe's
    blobs_[0] / blobs_[2], where blobs_[2] becomes 1 + f blobs_[2] (batch_norm_layer.cpp).
    """
    d, copied, batch = 0.9, 2.0, 1.0
    expected = d * copied + (1 - d) * batch
    hidden, power = d * copied + (1 - d) * batch, 0.0
    assert hidden / (1 - power) == pytest.approx(expected)
    sums, scale = copied / (1 - d), 1 / (1 - d)
    assert (d * sums + batch) / (d * scale + 1) == pytest.approx(expected)
    haiku, caffe = (between("pytorch", name).copied[-1] for name in ("haiku", "caffe"))
    assert "mean_ema/hidden and var_ema/hidden = the same two" in haiku
    assert "decay_rate^counter is 0" in haiku
    assert caffe.endswith("blobs_[2] = 1 / (1 - moving_average_fraction)")
    assert len(between("haiku", "pytorch", 0.9).copied) == 2


@pytest.mark.parametrize("target", sorted(ALL))
def test_rules_that_count_updates_say_what_to_set_beside_copied_statistics(target: str) -> None:
    """From a count of 0 such a rule weighs a copied average by 0 at its next update."""
    forgets = KEEP[ALL[target].keep](ALL[target].decay or 0.9, 1, 8) == 0
    told = between("keras-3", target).copied
    assert (len(told) == 3) == forgets == (ALL[target].keep != "constant")
    assert not forgets or told[-1].startswith("before further training, or they are soon forgotten")


def test_what_counts_the_updates_of_pytorch_and_cntk() -> None:
    """PyTorch adds 1 to num_batches_tracked and weighs the batch by 1 / that; CNTK takes the first
    batch whole where aggregate_count is 0."""
    assert "num_batches_tracked = the number of" in between("cntk", "pytorch-cumulative").copied[-1]
    assert "aggregate_count above 0" in between("pytorch", "cntk").copied[-1]
    torch = pytest.importorskip("torch")
    layer = torch.nn.BatchNorm1d(1, momentum=None)
    layer.running_mean.fill_(2.0)
    layer.num_batches_tracked.fill_(9)
    layer(torch.zeros(8, 1))
    assert float(layer.running_mean[0]) == pytest.approx(1.8)
    layer.num_batches_tracked.zero_()
    layer(torch.zeros(8, 1))
    assert float(layer.running_mean[0]) == 0.0


@pytest.mark.parametrize("source", NAMES)
def test_a_plain_mean_is_set_whatever_it_replaces(source: str) -> None:
    """Without momentum=None the layer would be PyTorch's other rule."""
    told = between(source, "pytorch-cumulative", decay_of(source))
    assert told.settings[0] == "momentum=None" and told.decay is None


def test_a_name_of_several_rows_is_translated_where_they_agree() -> None:
    rows: dict[str, Any] = {name: rule(ALL[name]) for name in ALL}
    both = translate_any([rows["keras-3"], rows["keras-2"]], [rows["pytorch"]], None, None)
    assert len(both) == 2
    assert "The settings are the same for keras-2 in pytorch" in text(both[0], both[1:])
    with pytest.raises(ValueError, match="source may be keras-3 or tensorflow-slim, and their"):
        translate_any([rows["keras-3"], rows["tensorflow-slim"]], [rows["pytorch"]], None, None)


@pytest.mark.parametrize(
    ("names", "decay", "m", "words"),
    [
        (("cntk", "pytorch"), None, None, "add --batch-size"),
        (("pytorch", "cntk"), None, None, "add --batch-size"),
        (("haiku", "pytorch"), None, 8, "haiku has no decay of its own; add --decay 0.99"),
        (("pytorch", "haiku"), 1.0, 8, "from 0 to below 1; got 1"),
        (("cntk", "pytorch"), 0.9, 8, "above 1 and below 1e+12; got 0.9"),
        (("cntk", "pytorch"), 1e30, 8, "above 1 and below 1e+12; got 1e+30"),
        (("cntk", "pytorch"), math.inf, 8, "above 1 and below 1e+12; got inf"),
        (("cntk", "cntk"), math.nan, 8, "above 1 and below 1e+12; got nan"),
        (("pytorch", "keras-3"), math.nan, 8, "from 0 to below 1; got nan"),
        (("pytorch", "keras-3"), None, 0, "1 or more; got 0"),
        (("pytorch", "keras-3"), None, -1, "1 or more; got -1"),
        (("pytorch-cumulative", "pytorch"), 0.9, 8, "has no decay; leave --decay out"),
    ],
)
def test_what_cannot_be_translated_is_refused(
    names: tuple[str, str], decay: float | None, m: int | None, words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        between(*names, decay, m)


def test_a_memory_of_samples_is_that_of_the_batch() -> None:
    assert between("keras-3", "cntk", 0.9, 32).decay == pytest.approx(-32 / math.log(0.9))


@pytest.mark.parametrize(
    "decay", [0.0, 1e-7, 0.012345678, 0.95, 0.987654321, 0.9999998, 0.999999999, 1 - 2**-53]
)
def test_a_decay_keeps_six_digits_and_its_distance_from_one(decay: float) -> None:
    """Six digits would make keras's momentum 1, which never updates."""
    told = between("pytorch", "keras-3", decay).settings[0]
    shown = float(told.removeprefix("momentum="))
    assert 1 - shown == pytest.approx(1 - decay, rel=1e-5)
    assert shown == pytest.approx(decay, rel=1e-5)
    assert between("pytorch", "keras-3", 0.95).settings[0] == "momentum=0.95"
    assert between("pytorch", "keras-3", 0.0).settings[0] == "momentum=0"


@pytest.mark.parametrize(("memory", "m"), [(5000.0, 1), (5000.0, 10**12), (1.5, 64), (9e11, 1)])
def test_a_memory_in_samples_is_the_same_in_the_same_rule(memory: float, m: int) -> None:
    """Through a decay of exp(-m / T) that of a large batch became 0."""
    assert between("cntk", "cntk", memory, m).decay == memory


@pytest.mark.parametrize(
    ("source", "target", "formula"),
    [
        ("lasagne", "dl4j-old", "var = 1 / inv_std**2"),
        ("dl4j-old", "lasagne", "inv_std = 1 / sqrt(var)"),
        ("lasagne", "pytorch", "running_var = 1 / inv_std**2 - 0.0001"),
        ("keras-3", "dl4j-old", "var = moving_variance + 0.001"),
    ],
)
def test_no_formula_adds_epsilon_and_takes_it_away(source: str, target: str, formula: str) -> None:
    assert between(source, target).copied[1] == formula


def test_gamma_is_learned_where_the_source_learns_it() -> None:
    """mx.sym.BatchNorm holds it at 1 and slim has none unless they are told."""
    for name, setting in (("mxnet-symbol", "fix_gamma=False"), ("tensorflow-slim", "scale=True")):
        assert between("keras-3", name).settings[-1] == setting
        assert "gamma" not in " ".join(between("keras-3", name).differs)
        assert setting not in between("caffe", name).settings
    assert between("keras-3", "caffe").settings[-1].endswith("Scale with bias_term: true")


def test_a_name_whose_rows_have_no_common_decay_is_asked_about() -> None:
    """Haiku's decay has no default, Flax's has one: adding a decay would not say which is meant."""
    rows = [rule(ALL[name]) for name in ("flax-nnx", "haiku")]
    with pytest.raises(ValueError, match="the source may be flax-nnx or haiku, and their settings"):
        translate_any(rows, [rule(ALL["pytorch"])], None, None)
    assert len(translate_any(rows, [rule(ALL["pytorch"])], 0.9, None)) == 2


def test_long_lists_of_names_are_wrapped() -> None:
    rows = [rule(ALL[name]) for name in ("keras-3", "keras-2")]
    first, *others = translate_any(rows, rows, None, None)
    assert max(map(len, text(first, others).splitlines())) <= 96

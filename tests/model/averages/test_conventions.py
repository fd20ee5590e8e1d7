from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.model.averages.conventions import (
    CONVENTIONS,
    HELD_IN,
    KEEP,
    SECOND,
    Keep,
    Tracker,
    trackers,
)
from caviar.model.averages.frameworks import ALL, FRAMEWORKS
from caviar.model.contract import Array

# By name: the rule, the variance that is averaged, and the starting values of both averages.
ROWS = {
    "biased": ("constant", "biased", 0.0, 1.0),
    "unbiased": ("constant", "unbiased", 0.0, 1.0),
    "debiased": ("debiased", "unbiased", 0.0, 0.0),
    "cumulative": ("cumulative", "unbiased", 0.0, 0.0),
}


def _weights(keep: Keep, decay: float, updates: int) -> Array:
    """The weight of each batch after all updates, and last that of the starting value."""
    weights = [1.0]
    for t in range(1, updates + 1):
        old = KEEP[keep](decay, t, 8)
        weights = [w * old for w in weights] + [1 - old]
    return np.array(weights[1:] + weights[:1])


def test_rows() -> None:
    assert list(CONVENTIONS) == list(ROWS)
    for name, row in CONVENTIONS.items():
        assert row.name == name
        rule = (row.keep, row.second, row.initial_mean, row.initial_second)
        assert rule == ROWS[name]
        assert row.decay is None


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("updates", [1, 3, 100])
def test_weights_in_closed_form(decay: float, updates: int) -> None:
    fading = np.array([decay ** (updates - i) for i in range(1, updates + 1)])
    expected: dict[Keep, Array] = {
        "constant": np.append((1 - decay) * fading, decay**updates),
        "debiased": np.append(fading / fading.sum(), 0.0),
        "cumulative": np.append(np.full(updates, 1 / updates), 0.0),
    }
    for keep, weights in expected.items():
        np.testing.assert_allclose(_weights(keep, decay, updates), weights, rtol=1e-10, atol=1e-15)


@given(decay=st.floats(0, 0.9999), update=st.integers(1, 10_000))
def test_the_old_value_weighs_between_nothing_and_all(decay: float, update: int) -> None:
    for keep, rule in KEEP.items():
        assert 0 <= rule(decay or 1e-3, update, 8) < 1, keep
    assert KEEP["constant"](decay, update, 8) == decay
    assert KEEP["debiased"](decay, update, 8) <= decay * (1 + 1e-12)


def test_the_first_batch_replaces_a_start_that_is_forgotten() -> None:
    for keep in ("debiased", "cumulative", "time_constant"):
        assert KEEP[keep](0.9, 1, 8) == 0


@given(m=st.integers(2, 512), samples=st.floats(10, 1e5), updates=st.integers(2, 50))
def test_a_time_constant_forgets_by_samples(m: int, samples: float, updates: int) -> None:
    weights = _weights_of_samples(samples, m, updates)
    np.testing.assert_allclose(weights[0], np.exp(-m * (updates - 1) / samples), rtol=1e-9)
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)


def _weights_of_samples(samples: float, m: int, updates: int) -> Array:
    weights = np.zeros(updates)
    for t in range(1, updates + 1):
        keep = KEEP["time_constant"](samples, t, m)
        weights *= keep
        weights[t - 1] = 1 - keep
    return weights


@pytest.mark.parametrize("m", [2, 3, 8, 100])
def test_what_is_averaged(m: int) -> None:
    x, epsilon = np.random.default_rng(m).standard_normal(m), 1e-3
    biased = np.asarray(x.var())
    stored = {kind: rule.stored(biased, m, epsilon) for kind, rule in SECOND.items()}
    np.testing.assert_allclose(stored["biased"], x.var())
    np.testing.assert_allclose(stored["unbiased"], x.var(ddof=1))
    np.testing.assert_allclose(stored["guarded"], np.sum((x - x.mean()) ** 2) / (m - 1 - epsilon))
    np.testing.assert_allclose(stored["inverse_deviation"], (x.var() + epsilon) ** -0.5)
    np.testing.assert_allclose(stored["biased_plus_epsilon"], x.var() + epsilon)


@given(stored=st.floats(0.1, 10), epsilon=st.floats(1e-6, 1e-2))
def test_evaluation_reads_back_the_framework_s_own_factor(stored: float, epsilon: float) -> None:
    factor = {
        "biased": (stored + epsilon) ** -0.5,
        "unbiased": (stored + epsilon) ** -0.5,
        "guarded": (stored + epsilon) ** -0.5,
        "inverse_deviation": stored,
        "biased_plus_epsilon": stored**-0.5,
    }
    for kind, rule in SECOND.items():
        variance = rule.variance(np.asarray(stored), epsilon)
        np.testing.assert_allclose((variance + epsilon) ** -0.5, factor[kind], rtol=1e-9)


def test_decay_and_epsilon_as_they_are_held() -> None:
    single = float(np.float32(0.9))
    assert HELD_IN["double"][0](0.9) == 0.9
    assert HELD_IN["single"][0](0.9) == HELD_IN["single_decay"][0](0.9) == single
    assert HELD_IN["single_complement"][0](0.9) == 1 - float(np.float32(1 - 0.9))
    assert HELD_IN["single"][1](1e-5) == float(np.float32(1e-5))
    assert HELD_IN["single_decay"][1](1e-5) == HELD_IN["single_complement"][1](1e-5) == 1e-5


def test_every_framework_is_there_and_only_dl4j_was_not_run() -> None:
    families = {name.split("-")[0] for name in FRAMEWORKS}
    assert families == {
        *("caffe", "caffe2", "cntk", "dl4j", "keras", "lasagne", "mxnet"),
        *("paddle", "tensorflow", "theano", "torch7", "pytorch", "flax", "haiku", "onnx"),
    }
    assert {name for name, row in FRAMEWORKS.items() if not row.verified} == {"dl4j", "dl4j-old"}
    assert all(row.version and row.source for row in FRAMEWORKS.values())
    assert ALL == {**CONVENTIONS, **FRAMEWORKS}
    assert all(name == row.name for name, row in ALL.items())


def test_tracker_names() -> None:
    names = [Tracker(CONVENTIONS[name], 0.9).name for name in ROWS]
    assert names == ["biased/0.9", "unbiased/0.9", "debiased/0.9", "cumulative"]
    assert Tracker(CONVENTIONS["biased"], 1 - 1e-5).name == "biased/0.99999"


def test_trackers_are_the_product_without_repeats() -> None:
    rows = tuple(CONVENTIONS[name] for name in ("cumulative", "biased", "debiased"))
    product = trackers(rows, (0.9, 0.99))
    assert [t.name for t in product] == [
        "cumulative",
        *("biased/0.9", "biased/0.99"),
        *("debiased/0.9", "debiased/0.99"),
    ]
    assert [t.decay for t in product[1:]] == [0.9, 0.99, 0.9, 0.99]
    assert trackers((), (0.9,)) == ()


def test_frameworks_keep_their_own_decay() -> None:
    rows = tuple(FRAMEWORKS[name] for name in ("keras-3", "cntk", "pytorch-cumulative"))
    names = [t.name for t in trackers(rows, (0.5, 0.9))]
    assert names == ["keras-3/0.99", "cntk/5000.0", "pytorch-cumulative"]
    assert [t.name for t in trackers(rows, ())] == names

"""`caviar advise` as a user starts it: every rule, the numbers it prints, what it refuses."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.theory.advice.framework_words import setting, words_of
from caviar.analysis.theory.advice.text import shown, text
from caviar.analysis.theory.advise import advise
from caviar.analysis.theory.question import Question
from caviar.model.averages.frameworks import ALL
from caviar.runner.cli.advise import Setup, fields_of, finite, head, inputs, rule_in_words, rule_of
from caviar.runner.errors import RequestError
from tests.runner.helpers import caviar, ended_well


def asked(name: str, m: int = 16, **changes: Any) -> Question:
    row, decay = rule_of(name, 0.9 if ALL[name].decay is None and ALL[name].uses_decay else None)
    rule: dict[str, Any] = {"keep": row.keep, "second": row.second, "epsilon": row.epsilon}
    return Question(norm_batch_size=m, decay=decay, **rule, **changes)


def printed(name: str, question: Question, everything: bool = True) -> str:
    words = words_of(name)
    told = head(Setup(question.norm_batch_size), asdict(question))
    rule = rule_in_words(ALL[name], question.decay, setting(question, words))
    return text(told, advise(question, words), rule, everything)


@pytest.mark.parametrize("name", ALL)
def test_every_rule_is_answered(name: str) -> None:
    for m in (2, 16, 100):
        for changes in ({}, {"steps": 50}, {"steps": 7, "dataset_size": 100}):
            question = asked(name, m, **changes)
            output = printed(name, question)
            assert re.search(rf"Rule {name}(?: \([^)]*\)+)?: average <- k average", output)
            assert not re.search(r"\b(nan|inf)\b", output)
            for number in advise(question).numbers:
                assert f"{shown(number.value)} {number.unit}" in output
            json.dumps(finite(asdict(advise(question))), allow_nan=False)


def test_no_rule_keeps_its_mean_otherwise_than_its_variance() -> None:
    """The answer knows one rule for both; a row that differs would need two."""
    assert {row.mean_keep for row in ALL.values()} == {None}


def test_the_numbers_printed_are_those_of_the_theory(tmp_path: Path) -> None:
    words = ("--batch-size", "4", "--decay", "0.98", "--convention", "keras-3")
    more = ("--steps", "1000", "--dataset-size", "1437", "--excess-kurtosis", "0.5")
    output = ended_well("advise", *words, *more, "--all", cwd=tmp_path)
    question = Question(
        norm_batch_size=4,
        decay=0.98,
        second="biased",
        epsilon=1e-3,
        steps=1000,
        dataset_size=1437,
        excess_kurtosis=0.5,
    )
    answer = advise(question, words_of("keras-3"))
    first, *lines = output.splitlines()
    assert first.startswith("Batches of 4, after 1,000 updates, shuffled epochs of 1,437 examples")
    for number in answer.numbers:
        (line,) = [line for line in lines if line.startswith(number.words + "  ")]
        _, value, checked = re.split("  +", line)
        assert (value, checked) == (f"{shown(number.value)} {number.unit}", number.checked)
    joined = " ".join(output.split())
    assert answer.actions
    for n, action in enumerate(answer.actions, 1):
        assert f"{n}. {action.do} {action.gain}" in joined
    for note in answer.notes:
        assert note in joined
    assert all(len(line) <= 110 for line in lines)


def test_the_answer_comes_first_and_is_short(tmp_path: Path) -> None:
    """Three changes at most, then six lines of numbers; the rest is named, and under `--all`."""
    words = ("advise", "--batch-size", "2", "--steps", "60", "--decay", "0.99")
    short, whole = ended_well(*words, cwd=tmp_path), ended_well(*words, "--all", cwd=tmp_path)
    assert re.findall(r"(?m)^(\d)\. ", short) == ["1", "2", "3"]
    assert "\n4. " in whole
    _, do, numbers, rest = short.rstrip().split("\n\n")
    assert do.startswith("What to do\n1. Use a norm batch of 8 examples or more.")
    assert len(numbers.splitlines()) == 6
    assert rest.startswith("Rule pytorch (momentum=0.01): average <- ") and "\n--all adds " in rest
    data = json.loads(ended_well(*words, "--json", cwd=tmp_path))
    more = re.search(r"adds (\d+) more actions?, (\d+) numbers", rest)
    assert more and int(more[1]) == len(data["actions"]) - 3
    assert int(more[2]) == len(data["numbers"]) - 6
    assert "largest x_hat" not in short and "largest x_hat" in whole


def test_the_same_as_data(tmp_path: Path) -> None:
    words = ("advise", "--batch-size", "3", "--convention", "lasagne", "--json")
    printed_json = json.loads(ended_well(*words, cwd=tmp_path))
    question = asked("lasagne", 3)
    assert printed_json["convention"] == "lasagne"
    assert printed_json["question"] == {**asdict(question), "steps": None, "dataset_size": None}
    answer = advise(question, words_of("lasagne"))
    expected = json.loads(json.dumps(finite(asdict(answer)), allow_nan=False))
    assert {key: printed_json[key] for key in expected} == expected
    assert None in [number["value"] for number in printed_json["numbers"]]
    assert [action["kind"] for action in printed_json["actions"]] == ["larger_batch", "recompute"]


def test_the_default_rule_is_pytorch_s_at_its_own_decay(tmp_path: Path) -> None:
    short = json.loads(ended_well("advise", "--batch-size", "8", "--json", cwd=tmp_path))
    assert short["convention"] == "pytorch"
    assert (short["question"]["decay"], short["question"]["second"]) == (0.9, "unbiased")


def test_what_is_said_of_a_rule() -> None:
    rules = {name: " ".join(printed(name, asked(name)).split()) for name in ALL}
    assert "k = d and d = 0.99; the variance enters as sum of squares / m." in rules["keras-3"]
    assert "reproduces recorded numbers of the framework, 2.7." in rules["cntk"]
    assert "and T = 5000;" in rules["cntk"]
    assert "was read from the source of the framework, 1.0.0-beta4" in rules["dl4j"]
    assert "the framework" not in rules["unbiased"]
    assert "k = (t - 1) / t; the" in rules["cumulative"]


def test_what_is_said_where_a_name_means_rows_that_average_alike() -> None:
    told = rule_in_words(ALL["keras-3"], 0.99, "", (ALL["tensorflow-layers"],))
    assert told.endswith(" tensorflow-layers averages in the same way.")


def test_rules_and_their_decays() -> None:
    assert rule_of("keras-3", None) == (ALL["keras-3"], 0.99)
    assert rule_of("keras-3", 0.5) == (ALL["keras-3"], 0.5)
    assert rule_of("flax", None) == (ALL["flax-nnx"], 0.99)
    assert rule_of("cntk", None)[1] == 5000
    assert rule_of("pytorch-cumulative", None) == (ALL["pytorch-cumulative"], 0.0)
    for name, decay, words in (
        ("kers-3", 0.9, "convention 'kers-3' is unknown; did you mean 'keras-3'?"),
        ("keras", 0.9, "They average differently: give one of these names"),
        ("unbiased", None, "'unbiased' has no decay of its own; add --decay 0.99"),
        ("cumulative", 0.9, "convention 'cumulative' has no decay; leave --decay out"),
    ):
        with pytest.raises(RequestError, match=re.escape(words)):
            rule_of(name, decay)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch-size", "16", "--decay", "1"], "from 0 to below 1; got 1"),
        (["--decay", "0.9"], "--batch-size"),
        (["--batch-size", "1"], "the batch size must be 2 or more"),
        (["--batch-size", "16", "--dataset-size", "8"], "8 cannot fill one batch of 16"),
        (["--batch-size", "16", "--steps", "0"], "steps must be 1 or more; got 0"),
        (["--batch-size", "16", "--convention", "kers-3"], "did you mean 'keras-3'?"),
        (["--batch-size", "16", "--convention", "cntk", "--decay", "0.9"], "memory is in samples"),
    ],
    ids=["decay", "no batch", "batch", "dataset", "steps", "convention", "samples"],
)
def test_what_is_refused(words: list[str], message: str, tmp_path: Path) -> None:
    done = caviar("advise", *words, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("caviar: ") and message in line


def question_of(setup: Setup, **changes: Any) -> Question:
    row, decay = rule_of("pytorch", None)
    fields = fields_of(row, decay, setup, 1000, None, inputs(0.0, 1.0, 2.0))
    return Question(**{**fields, **changes})


def test_how_many_examples_share_a_mean() -> None:
    """Devices share it with sync, accumulated batches never do but update the averages."""
    alone = question_of(Setup(None, per_device=4, devices=8))
    assert (alone.norm_batch_size, alone.devices, alone.steps) == (4, 8, 1000)
    shared = question_of(Setup(None, per_device=4, devices=8, sync=True))
    assert (shared.norm_batch_size, shared.devices) == (32, 1)
    often = question_of(Setup(None, per_device=4, accumulate=4))
    assert (often.norm_batch_size, often.steps) == (4, 4000)
    images = question_of(Setup(4, positions=196, effective_positions=10.0))
    assert (images.norm_batch_size, images.values) == (4, 40)


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ({}, "--batch-size 32, or --per-device 4 --devices 8"),
        ({"batch_size": 4, "per_device": 4}, "--batch-size 32, or --per-device 4 --devices 8"),
        ({"batch_size": 4, "devices": 2, "sync": True}, "each device has: --per-device 4"),
        ({"per_device": 4, "sync": True}, "add --devices 8"),
        ({"per_device": 4, "accumulate": 0}, "1 or more; got 0"),
        ({"per_device": 4, "effective_positions": 3.0}, "--positions"),
    ],
)
def test_set_ups_that_do_not_fit(setup: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=re.escape(words)):
        Setup(**setup)


def test_a_resnet_on_eight_devices(tmp_path: Path) -> None:
    """The first line says what is not known; the first action holds at both ends."""
    words = ("--framework", "torch", "--per-device", "4", "--devices", "8", "--positions", "196")
    output = " ".join(ended_well("advise", *words, "--accumulate", "2", cwd=tmp_path).split())
    assert output.startswith(
        "Each mean is over 4 examples x 196 positions, worth 4 independent values if all positions "
        "of an example are alike, 784 if they are independent. Numbers are given for both ends;"
    )
    assert "Batches of 4 on each of 8 devices, not shared (accumulating 2 does not" in output
    first, second, third = re.split(r" [123]\. ", output)[1:]
    assert "torch.optim.swa_utils.update_bn(loader, model)" in first
    assert "If they are independent it is below 0.005 already" in first
    assert "torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)" in second
    assert third.startswith("In the next training run, set momentum=0.033: a memory of 30.3 ")
    known = ended_well("advise", *words, "--effective-positions", "20", cwd=tmp_path)
    assert known.startswith("Each mean is over 4 examples x 196 positions, worth 80 independent")
    shared = ended_well("advise", *words, "--sync", cwd=tmp_path)
    assert "Batches of 32 (4 on each of 8 devices, shared)" in " ".join(shared.split())


def test_one_framework_in_another_s_terms(tmp_path: Path) -> None:
    told = ended_well("advise", "--from", "keras", "--to", "Torch", cwd=tmp_path)
    assert told.startswith("keras-3 in pytorch: momentum=0.01, eps=0.001\n")
    ghosts = ("--per-device", "4", "--devices", "8", "--sync", "--positions", "49")
    shared = ended_well("advise", "--from", "keras-3", "--to", "torch", *ghosts, cwd=tmp_path)
    assert "settles at 1.001 times keras-3's at m = 1,568" in " ".join(shared.split())
    words = "--from pytorch --to cntk --batch-size 16 --json".split()
    as_data = json.loads(ended_well("advise", *words, cwd=tmp_path))
    assert as_data["decay"] == pytest.approx(-16 / math.log(0.9))
    assert (as_data["source"], as_data["target"]) == ("pytorch", "cntk")
    for wrong, sentence in (
        (("--from", "keras"), "write --convention keras; to translate its settings, name where to"),
        (("--from", "keras"), "such as --to pytorch"),
        (("--from", "PyTorch", "--per-device", "4"), "such as --to keras"),
        (("--to", "torch"), "such as --from keras"),
        (("--from", "tf", "--to", "torch"), "keras-3 or tensorflow-layers"),
        (("--from", "kers", "--to", "torch"), "did you mean 'keras'?"),
        (("--from", "", "--to", "torch"), "`caviar conventions` lists all rows"),
        (("--from", "jax", "--to", "torch"), "--from jax --to torch: the source may be flax-nnx"),
        (("--from", "keras", "--to", "torch", "--batch-size", "0"), "must be 1 or more; got 0"),
        (("--from", "keras", "--to", "torch", "--batch-size", "-1"), "must be 1 or more; got -1"),
        (("--from", "cntk", "--to", "torch", "--batch-size", "4", "--decay", "1e30"), "got 1e+30"),
    ):
        done = caviar("advise", *wrong, cwd=tmp_path)
        assert done.returncode == 2 and sentence in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--from keras --to torch --plot a.png", "--plot has no effect with --from"),
        ("--to torch --from keras --steps 100", "--steps has no effect with --from"),
        ("--from keras --to torch --convention caffe", "--convention has no effect with --from"),
        ("--from keras --to torch --all", "--all has no effect with --from"),
        ("--from keras --to torch --run r", "--run has no effect with --from"),
        ("--run r --decay 0.9", "--decay has no effect with --run"),
        ("--run r --devices 8", "--devices has no effect with --run"),
        ("--from keras --to torch --batch-size 4 --per-device 4", "--batch-size 32, or --per-dev"),
        ("--from keras --to torch --per-device 4 --sync", "add --devices 8"),
        ("--from keras --to torch --devices 8", "say how many examples share one mean"),
        ("--from keras --to torch --positions 4", "say how many examples share one mean"),
        ("--from keras --to torch --sync", "say how many examples share one mean"),
        ("--from keras --to torch --accumulate 2", "--accumulate has no effect with --from"),
        ("--from keras --to torch --effective-positions 3", "--effective-positions has no effect"),
    ],
)
def test_options_that_nothing_reads_are_refused(words: str, message: str, tmp_path: Path) -> None:
    done = caviar("advise", *words.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and message in done.stderr
    assert not list(tmp_path.iterdir())


def test_one_update_is_singular(tmp_path: Path) -> None:
    told = " ".join(ended_well("advise", "--batch-size", "8", "--steps", "1", cwd=tmp_path).split())
    assert "after 1 update, " in told and "with t = 1 update (num_batches_tracked)" in told


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml")])
def test_the_curve_is_drawn(name: str, begins: bytes, tmp_path: Path) -> None:
    output = ended_well("advise", "--batch-size", "8", "--plot", name, cwd=tmp_path)
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert f"{name}: error of the running averages" in output and " 32 examples: " in output


def test_a_figure_that_cannot_be_drawn(tmp_path: Path) -> None:
    lost = caviar("advise", "--batch-size", "8", "--plot", "no/a.png", cwd=tmp_path)
    assert (lost.returncode, lost.stdout) == (2, "")
    assert "--plot no/a.png cannot be written: No such file" in lost.stderr
    done = caviar("advise", "--batch-size", "8", "--plot", "a.jpg", cwd=tmp_path)
    assert done.returncode == 2 and "a figure ends in .pdf, .svg, .png; got a.jpg" in done.stderr


@pytest.mark.parametrize("option", ["--batch-size", "--steps", "--dataset-size"])
def test_counts_beyond_all_measure_are_refused(option: str, tmp_path: Path) -> None:
    done = caviar("advise", "--batch-size", "8", option, "1" + "0" * 400, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr

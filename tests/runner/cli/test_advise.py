"""`caviar advise` as a user starts it: every rule, the numbers it prints, what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.theory.advise import advise
from caviar.analysis.theory.prediction import Question
from caviar.model.averages.frameworks import ALL
from caviar.runner.cli.advise import finite, rule_of, shown, text
from caviar.runner.errors import RequestError
from tests.runner.helpers import caviar, ended_well

INFINITY = float("inf")


def asked(name: str, m: int = 16, **changes: Any) -> Question:
    row, decay = rule_of(name, 0.9 if ALL[name].decay is None and ALL[name].uses_decay else None)
    rule: dict[str, Any] = {"keep": row.keep, "second": row.second, "epsilon": row.epsilon}
    return Question(norm_batch_size=m, decay=decay, **rule, **changes)


def printed(name: str, question: Question) -> str:
    return text(ALL[name], asdict(question), asdict(advise(question)))


@pytest.mark.parametrize("name", ALL)
def test_every_rule_is_answered(name: str) -> None:
    for m in (2, 16, 100):
        for changes in ({}, {"steps": 50}, {"steps": 7, "dataset_size": 100}):
            question = asked(name, m, **changes)
            output = printed(name, question)
            assert f"Rule {name}: r <- k r" in output
            assert "nan" not in output and "inf" not in re.sub("[a-z]*infinity|finite", "", output)
            for number in advise(question).numbers:
                assert f"{shown(number.value)} {number.unit}" in output
            json.dumps(finite(asdict(advise(question))), allow_nan=False)


def test_no_rule_keeps_its_mean_otherwise_than_its_variance() -> None:
    """The answer knows one rule for both; a row that differs would need two."""
    assert {row.mean_keep for row in ALL.values()} == {None}


def test_the_numbers_printed_are_those_of_the_theory(tmp_path: Path) -> None:
    words = ("--batch-size", "16", "--decay", "0.98", "--convention", "keras-3")
    more = ("--steps", "1000", "--dataset-size", "1437", "--excess-kurtosis", "0.5")
    output = ended_well("advise", *words, *more, cwd=tmp_path)
    question = Question(
        norm_batch_size=16,
        decay=0.98,
        second="biased",
        epsilon=1e-3,
        steps=1000,
        dataset_size=1437,
        excess_kurtosis=0.5,
    )
    answer = advise(question)
    head, *lines = output.splitlines()
    assert head.startswith("Batches of 16, after 1,000 steps, shuffled epochs of 1,437 examples")
    for number in answer.numbers:
        (line,) = [line for line in lines if line.startswith(number.words + "  ")]
        _, value, checked = re.split("  +", line)
        assert (value, checked) == (f"{shown(number.value)} {number.unit}", number.checked)
    joined = " ".join(output.split())
    for sentence in (*answer.change, *answer.notes):
        assert sentence in joined
    assert all(len(line) <= 110 for line in lines)


def test_the_same_as_data(tmp_path: Path) -> None:
    words = ("advise", "--batch-size", "3", "--convention", "lasagne", "--json")
    printed_json = json.loads(ended_well(*words, cwd=tmp_path))
    question = asked("lasagne", 3)
    assert printed_json["convention"] == "lasagne"
    assert printed_json["question"] == {**asdict(question), "steps": None, "dataset_size": None}
    answer = advise(question)
    assert printed_json["change"] == list(answer.change) and printed_json["notes"] == list(
        answer.notes
    )
    assert len(printed_json["numbers"]) == len(answer.numbers)
    for mine, number in zip(printed_json["numbers"], answer.numbers, strict=True):
        value = None if abs(number.value) == INFINITY else number.value
        assert mine == {**asdict(number), "value": value}
    assert None in [number["value"] for number in printed_json["numbers"]]


def test_the_default_rule_is_pytorch_s_at_its_own_decay(tmp_path: Path) -> None:
    short = json.loads(ended_well("advise", "--batch-size", "8", "--json", cwd=tmp_path))
    assert short["convention"] == "pytorch"
    assert (short["question"]["decay"], short["question"]["second"]) == (0.9, "unbiased")


def test_what_is_said_of_a_rule() -> None:
    rules = {name: " ".join(printed(name, asked(name)).split()) for name in ALL}
    assert "k = d and d = 0.99; of the variance, s = variance / m." in rules["keras-3"]
    assert "reproduces recorded numbers of the framework, 2.7." in rules["cntk"]
    assert "and T = 5000;" in rules["cntk"]
    assert "was read from the source of the framework, 1.0.0-beta4" in rules["dl4j"]
    assert "the framework" not in rules["unbiased"]
    assert "k = (t - 1) / t; of" in rules["cumulative"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (INFINITY, "infinite"),
        (-INFINITY, "-infinite"),
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.5e-7, "1.5e-07"),
        (12345.6, "12,346"),
        (-0.0645, "-0.0645"),
    ],
)
def test_numbers_as_they_are_shown(value: float, words: str) -> None:
    assert shown(value) == words


def test_rules_and_their_decays() -> None:
    assert rule_of("keras-3", None) == (ALL["keras-3"], 0.99)
    assert rule_of("keras-3", 0.5) == (ALL["keras-3"], 0.5)
    assert rule_of("cntk", None)[1] == 5000
    assert rule_of("pytorch-cumulative", None) == (ALL["pytorch-cumulative"], 0.0)
    for name, decay, words in (
        ("keras3", 0.9, "convention 'keras3' is unknown; did you mean 'keras-3'?"),
        ("unbiased", None, "'unbiased' has no decay of its own; add --decay 0.99"),
        ("cumulative", 0.9, "convention 'cumulative' has no decay; leave --decay out"),
    ):
        with pytest.raises(RequestError, match=re.escape(words)):
            rule_of(name, decay)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch-size", "16", "--decay", "1"], "from 0 to below 1; got 1"),
        (["--batch-size", "1"], "the batch size must be 2 or more"),
        (["--batch-size", "16", "--dataset-size", "8"], "8 cannot fill one batch of 16"),
        (["--batch-size", "16", "--steps", "0"], "steps must be 1 or more; got 0"),
        (["--batch-size", "16", "--convention", "kers-3"], "did you mean 'keras-3'?"),
        (["--batch-size", "16", "--convention", "cntk", "--decay", "0.9"], "memory is in samples"),
    ],
    ids=["decay", "batch", "dataset", "steps", "convention", "samples"],
)
def test_what_is_refused(words: list[str], message: str, tmp_path: Path) -> None:
    done = caviar("advise", *words, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("caviar: ") and message in line


def test_a_batch_size_is_asked_for(tmp_path: Path) -> None:
    done = caviar("advise", "--decay", "0.9", cwd=tmp_path)
    assert done.returncode == 2 and "--batch-size" in done.stderr


@pytest.mark.parametrize("option", ["--batch-size", "--steps", "--dataset-size"])
def test_counts_beyond_all_measure_are_refused(option: str, tmp_path: Path) -> None:
    done = caviar("advise", "--batch-size", "8", option, "1" + "0" * 400, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr

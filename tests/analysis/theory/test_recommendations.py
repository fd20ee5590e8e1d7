"""Each piece of advice is given by its number, and following it makes the number right."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.analysis.theory.prediction import (
    Question,
    divergence_of_bias,
    divergence_of_error,
    epoch_end_error,
    error,
)
from caviar.analysis.theory.recommendations import DIVERGENCE, FORGOTTEN, STALE, recommendations
from caviar.analysis.theory.running_mean import lag, weight_of_start
from caviar.analysis.theory.running_variance import Second

NOTHING = "Nothing calls for a change"


def advice(question: Question) -> str:
    return "\n".join(recommendations(question))


def number_after(words: str, text: str) -> float:
    match = re.search(re.escape(words) + r" ([0-9.,]*[0-9])", text)
    assert match, text
    return float(match[1].replace(",", ""))


def test_a_good_choice_is_left_alone() -> None:
    assert advice(Question(32, 0.99)).startswith(NOTHING)
    assert NOTHING not in advice(Question(4, 0.9))


@pytest.mark.parametrize("m", [2, 3, 4])
def test_batches_without_finite_noise(m: int) -> None:
    text = advice(Question(m, 0.999))
    assert ("+1 or -1" in text) == (m == 2)
    assert ("no finite variance" in text) == (m == 3)


@pytest.mark.parametrize(("m", "off"), [(4, True), (7, True), (8, False), (16, False)])
def test_a_biased_rule(m: int, off: bool) -> None:
    """(ratio - 1 - log ratio) / 2 of (m - 1) / m passes 0.005 nats between 7 and 8."""
    ratio = (m - 1) / m
    assert ((ratio - 1 - math.log(ratio)) / 2 > 0.005) == off
    question = Question(m, 0.999, second="biased")
    assert ("Use the unbiased rule" in advice(question)) == off
    assert "unbiased rule" not in advice(replace(question, second="unbiased"))
    if off:
        assert f"its factor {m} / {m - 1} corrects the first layer" in advice(question)
        assert divergence_of_bias(replace(question, second="unbiased")) == 0


def test_an_inverse_rule() -> None:
    text = advice(Question(8, 0.999, second="inverse_deviation"))
    assert "The stored variance is 0.69 times" in text and "1 / sigma_B is averaged" in text
    assert 1 / 1.2036**2 == pytest.approx(0.69, abs=5e-4)
    tiny = advice(Question(2, 0.999, second="inverse_deviation"))
    assert "nor has its average" in tiny


@given(m=st.integers(2, 200), decay=st.floats(0.5, 0.99))
def test_raising_the_decay_as_told_is_enough(m: int, decay: float) -> None:
    question = Question(m, decay)
    text = advice(question)
    noisy = divergence_of_error(question) > DIVERGENCE
    assert ("raise the decay to" in text) == noisy == ("precise statistics" in text)
    if noisy:
        told = replace(question, decay=number_after("raise the decay to", text))
        assert divergence_of_error(told) < DIVERGENCE * 1.01
        assert told.decay > decay


@given(m=st.integers(2, 64), samples=st.floats(2, 60))
def test_raising_the_memory_as_told_is_enough(m: int, samples: float) -> None:
    question = Question(m, samples, keep="time_constant")
    if divergence_of_error(question) > DIVERGENCE:
        told = number_after("raise the memory to", advice(question))
        assert divergence_of_error(replace(question, decay=told)) < DIVERGENCE * 1.01


@given(m=st.integers(2, 64), steps=st.integers(1, 60))
def test_averaging_longer_as_told_is_enough(m: int, steps: int) -> None:
    question = Question(m, 0.0, keep="cumulative", steps=steps)
    if divergence_of_error(question) > DIVERGENCE:
        told = number_after("average over", advice(question))
        assert divergence_of_error(replace(question, steps=told)) <= DIVERGENCE * 1.01
        assert told > steps


@pytest.mark.parametrize("second", ["unbiased", "inverse_deviation"])
@pytest.mark.parametrize("kurtosis", [0.0, 3.0])
def test_recomputing_over_as_many_examples_as_told_is_enough(
    second: Second, kurtosis: float
) -> None:
    """The plain mean and variance of n examples: 1 / n and (kurtosis + 2) / n."""
    text = advice(Question(4, 0.9, second=second, excess_kurtosis=kurtosis))
    examples = number_after("statistics over", text)

    def divergence(n: float) -> float:
        return 1 / n / 2 + (kurtosis + 2) / n / 4

    assert divergence(examples) <= DIVERGENCE * (1 + 1e-9) < divergence(examples - 1)


@given(m=st.integers(2, 64), decay=st.floats(0.5, 0.9999), steps=st.integers(1, 5000))
def test_a_start_that_is_not_forgotten(m: int, decay: float, steps: int) -> None:
    question = Question(m, decay, steps=steps)
    left = decay**steps
    text = advice(question)
    assert ("starting value still weighs" in text) == (left > FORGOTTEN)
    assert "starting value" not in advice(replace(question, keep="debiased"))
    if left > FORGOTTEN:
        longer = int(number_after("train for", text))
        assert decay**longer < FORGOTTEN
        if "lower the decay to" in text.split("starting value")[1].split("\n")[0]:
            told = number_after("or lower the decay to", text)
            assert weight_of_start("constant", told, steps) < FORGOTTEN * 1.03
            assert divergence_of_error(replace(question, decay=told)) < DIVERGENCE * 1.01


@given(m=st.integers(2, 256), decay=st.floats(0.5, 0.9999), steps=st.integers(10, 5000))
def test_statistics_that_are_too_old(m: int, decay: float, steps: int) -> None:
    question = Question(m, decay, steps=steps)
    behind = lag("constant", decay, steps)
    old = [line for line in recommendations(question) if "steps old on average" in line]
    assert bool(old) == (behind > STALE * steps)
    if old and "lower the decay to" in old[0]:
        told = replace(question, decay=number_after("lower the decay to", old[0]))
        # Three digits of 1 - decay are printed.
        assert lag("constant", told.decay, math.inf) < STALE * steps * 1.01
        assert divergence_of_error(told) <= DIVERGENCE * 1.01


def test_an_old_time_constant_and_an_old_mean() -> None:
    text = advice(Question(64, 20_000.0, keep="time_constant", steps=200))
    told = number_after("lower the memory to", text)
    decay = math.exp(-64 / told)
    assert decay / (1 - decay) == pytest.approx(20, rel=1e-3)
    assert "average only from when they rest" in advice(
        Question(64, 0, keep="cumulative", steps=200)
    )


@given(m=st.integers(2, 64), decay=st.floats(0.5, 0.999), steps=st.integers(2, 3000))
def test_advice_does_not_contradict_itself(m: int, decay: float, steps: int) -> None:
    text = advice(Question(m, decay, steps=steps))
    assert not ("raise the decay" in text and "lower the decay" in text)


def test_a_decay_is_not_lowered_into_the_noise() -> None:
    """At m = 4 and 100 steps whatever is short enough is too noisy; at m = 64 it is not."""
    for m, lowered in ((4, False), (64, True)):
        text = advice(Question(m, 0.99, steps=100))
        assert text.count("lower the decay to") == 2 * lowered
        assert "starting value" in text and "steps old on average" in text
    noisy = advice(Question(4, 5000.0, keep="time_constant", steps=50))
    assert "steps old on average" in noisy and "lower the memory" not in noisy


def test_the_epoch_s_end_is_said_for_the_long_run() -> None:
    question = Question(144, 0.99, dataset_size=1440)
    long_run = epoch_end_error(question)
    line = advice(question).split("epoch's last batch")[1]
    assert number_after("off by", line) == pytest.approx(long_run.mean, rel=0.05)
    assert epoch_end_error(replace(question, steps=46)) == long_run


def test_too_few_steps_for_a_longer_memory() -> None:
    text = advice(Question(4, 0.9, steps=100))
    assert "raise the decay" not in text and "recompute the population statistics" in text
    assert "raise the decay" in advice(Question(4, 0.9, steps=1000))


@pytest.mark.parametrize("decay", [0.9, 0.99])
@pytest.mark.parametrize("m", [16, 144])
def test_the_time_to_read_the_statistics(m: int, decay: float) -> None:
    question = Question(m, decay, dataset_size=1440)
    worth = epoch_end_error(question).mean < error(question).mean / 2
    assert ("right after an epoch's last batch" in advice(question)) == worth
    assert worth == ((m, decay) == (144, 0.99))
    assert "epoch's last" not in advice(replace(question, dataset_size=math.inf))


@pytest.mark.parametrize(
    ("m", "strong", "weak"), [(13, 1, 0), (14, 0, 0), (148, 0, 0), (149, 0, 1)]
)
def test_the_noise_as_dropout(m: int, strong: int, weak: int) -> None:
    """1.5 / (m + 1.5) is 0.1 at 13.5 and 0.01 at 148.5."""
    text = advice(Question(m, 0.99))
    assert ("if the train loss is too high" in text) == strong
    assert ("hardly regularises" in text) == weak


@pytest.mark.parametrize("m", [8, 9])
def test_an_example_in_its_own_statistics(m: int) -> None:
    assert ("EvalNorm" in advice(Question(m, 0.99))) == (m == 8)


def test_a_momentum_in_the_place_of_a_decay() -> None:
    assert "ask again with --decay 0.9" in advice(Question(64, 0.1))
    assert "ask again" not in advice(Question(64, 0.5))
    assert "ask again" not in advice(Question(64, 0.0, keep="cumulative"))

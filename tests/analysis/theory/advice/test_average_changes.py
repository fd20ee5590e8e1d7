"""What is advised about running averages: at what level, and what it sets."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.analysis.theory.advice.average_changes import FORGOTTEN, RECOMPUTED_EXAMPLES
from caviar.analysis.theory.optimum import DIVERGENCE, STALE, reducible
from caviar.analysis.theory.prediction import divergence
from caviar.analysis.theory.question import Question
from caviar.analysis.theory.running_mean import lag
from tests.analysis.theory.changes import actions


@settings(max_examples=40)
@given(m=st.integers(2, 200), decay=st.floats(0.5, 0.99))
def test_the_decay_that_is_advised_is_enough_and_no_longer(m: int, decay: float) -> None:
    question = Question(m, decay)
    advised = actions(question)
    assert ("decay" in advised) <= (reducible(question) > DIVERGENCE)
    if "decay" in advised:
        told = advised["decay"].value
        assert told is not None and told > decay
        assert divergence(replace(question, decay=told)) <= DIVERGENCE
        # One more digit less of memory and it is not enough.
        assert divergence(replace(question, decay=1 - 1.15 * (1 - told))) > DIVERGENCE


@settings(max_examples=40)
@given(m=st.integers(2, 64), decay=st.floats(0.5, 0.9999), steps=st.integers(2, 5000))
def test_one_decay_in_one_answer(m: int, decay: float, steps: int) -> None:
    """It is neither stale nor worse than the present one, and every change says one number."""
    question = Question(m, decay, steps=steps)
    advised = actions(question)
    text = " ".join(map(str, advised.values()))
    assert text.count("decay=") <= 1
    if "decay" in advised:
        told = advised["decay"].value
        assert told is not None
        assert lag("constant", told, math.inf) <= STALE * steps * 1.1
        assert divergence(replace(question, decay=told)) < divergence(question)


def test_no_decay_is_advised_that_would_not_help() -> None:
    """After 12 updates of 4 nothing is quiet and young enough."""
    assert "decay" not in actions(Question(4, 0.9, steps=12))
    assert "decay" not in actions(Question(4, 0.0, keep="cumulative", steps=3))
    assert "decay" in actions(Question(4, 0.9, steps=1000))


@settings(max_examples=40)
@given(m=st.integers(2, 64), decay=st.floats(0.5, 0.9999), steps=st.integers(1, 5000))
def test_a_start_that_is_not_forgotten(m: int, decay: float, steps: int) -> None:
    question = Question(m, decay, steps=steps)
    advised = actions(question)
    if "debias" in advised:
        assert decay**steps > FORGOTTEN
        assert advised["debias"].after[0] < advised["debias"].before[0]
    assert "debias" not in actions(replace(question, keep="debiased"))


def test_the_start_is_named_as_the_framework_stores_it() -> None:
    question = Question(1000, 0.99, steps=25)
    told = actions(question, "pytorch")["debias"].do
    assert "(r - d^t * start) / (1 - d^t) with t = 25 updates (num_batches_tracked)" in told
    assert "running_mean / 0.2222 and (running_var - 0.7778) / 0.2222" in told


@settings(max_examples=40)
@given(m=st.integers(2, 256), decay=st.floats(0.5, 0.9999), steps=st.integers(10, 5000))
def test_statistics_that_are_too_old(m: int, decay: float, steps: int) -> None:
    old = lag("constant", decay, steps) > STALE * steps
    told = actions(Question(m, decay, steps=steps)).get("recompute")
    assert ("updates old on average" in told.gain if told else False) == old


@pytest.mark.parametrize(("size", "examples"), [(math.inf, RECOMPUTED_EXAMPLES), (300, 300)])
def test_over_how_many_examples_statistics_are_recomputed(size: float, examples: int) -> None:
    told = actions(Question(4, 0.9, second="biased", dataset_size=size))["recompute"]
    assert f"over {examples:,} examples in batches of 64 or more" in told.do
    assert "of either sign" in told.gain and "0.7" in told.gain
    assert told.after[0] < 1e-3 < told.before[0]


def test_a_momentum_in_the_place_of_a_decay() -> None:
    assert "ask again with --decay 0.9" in actions(Question(64, 0.1))["ask_again"].do
    for decay in (0.0, 0.5):
        assert "ask_again" not in actions(Question(64, decay))
    assert "ask_again" not in actions(Question(64, 0.0, keep="cumulative"))


def test_recomputing_is_no_noisier_than_the_averages_it_replaces() -> None:
    """116 (1 + d) (1 - d^200) / ((1 - d) (1 + d^200)) examples are more than usual."""
    start, left = Question(116, 0.99, steps=200), 0.99**200
    assert math.ceil(116 * 199 * (1 - left) / (1 + left) / 1000) == 18
    assert "over 18,000 examples" in actions(start)["recompute"].do
    assert (
        "over 50,000 examples" in actions(replace(start, decay=0.999, steps=3000))["recompute"].do
    )
    assert "over 900 examples" in actions(replace(start, dataset_size=900))["recompute"].do


def test_nothing_is_taken_out_of_an_average_without_a_mean() -> None:
    """1 / sigma_B of two examples has none."""
    question = Question(2, 0.99, second="inverse_deviation", steps=100)
    assert list(actions(question)) == ["larger_batch", "recompute"]

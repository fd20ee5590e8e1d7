"""The numbers of an answer are those of the closed forms, and each is printed where it applies."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory import running_variance as variance_theory
from caviar.analysis.theory.advice import laws
from caviar.analysis.theory.advice.laws import LAWS
from caviar.analysis.theory.advise import Advice, advise
from caviar.analysis.theory.question import Question
from caviar.analysis.theory.recommendations import NOTHING

ALWAYS = ("divergence", "steps_to_forget", "lag", "equivalent_dropout")
KERAS = Question(16, 0.99, second="biased", epsilon=1e-3)


def values(question: Question) -> dict[str, float]:
    return {number.key: number.value for number in advise(question).numbers}


def test_the_long_run_of_independent_batches() -> None:
    """By hand for m = 16, d = 0.99, biased."""
    numbers = values(KERAS)
    squares = 0.01 / 1.99
    assert numbers == {
        "effective_examples": pytest.approx(16 * 199),
        "mean_error_independent": pytest.approx(math.sqrt(squares / 16)),
        "variance_error_independent": pytest.approx(
            math.hypot(math.sqrt(2 / 15 * squares), math.log(15 / 16)), rel=1e-3
        ),
        "mean_sampling": pytest.approx(math.sqrt(squares / 16)),
        "variance_sampling": pytest.approx(math.sqrt(2 / 15 * squares), rel=1e-3),
        "variance_bias": pytest.approx(math.log(15 / 16)),
        "variance_offset": pytest.approx(math.log(15 / 16)),
        "divergence": pytest.approx(
            (15 / 16 - 1 - math.log(15 / 16)) / 2 + squares / 32 + squares / 15 / 2, rel=1e-3
        ),
        "steps_to_forget": 459,
        "lag": pytest.approx(99),
        "best_at_drift": pytest.approx(1 / math.sqrt(4 * 16 * 100**3), rel=0.02),
        "decay_at_twice": pytest.approx(1 - 0.01 * 2 ** (1 / 3), rel=1e-3),
        "decay_at_twice_linear": pytest.approx(0.99**2, rel=1e-3),
        "noise": pytest.approx(1.5 / 16),
        "equivalent_dropout": pytest.approx(1.5 / 17.5),
        "inflation": pytest.approx(1.0883, abs=5e-5),
        "squared_inflation": pytest.approx(16 / 13),
        "self_influence": pytest.approx(math.sqrt(15 / 16)),
        "largest_x_hat": pytest.approx(math.sqrt(15)),
        "test_scale": pytest.approx(math.sqrt(16 / 15)),
    }


def test_after_some_steps_of_shuffled_epochs() -> None:
    """N = 100, m = 16: 6 batches an epoch; 20 steps are 3 epochs and 2 batches."""
    question = replace(KERAS, steps=20, dataset_size=100, excess_kurtosis=1.0)
    numbers = values(question)
    squares = running.sum_of_squares("constant", 0.99, 20)
    epochs = running.sum_of_squared_epochs("constant", 0.99, 6, 2, 3)
    mean = running.linear_variance(squares, epochs, 16, 100)
    left, ratio = 0.99**20, 15 / 16 * 100 / 99
    assert numbers["mean_sampling"] == pytest.approx(math.sqrt(mean))
    assert numbers["mean_error_shuffled"] == pytest.approx(math.hypot(math.sqrt(mean), left))
    stored = left / 2 + (1 - left) * ratio
    assert numbers["variance_offset"] == pytest.approx(math.log(stored))
    part = ratio / stored
    spread = variance_theory.log_error("biased", squares, epochs, 16, 100, 1.0, part)
    assert numbers["variance_sampling"] == pytest.approx(spread)
    assert numbers["variance_error_shuffled"] == pytest.approx(math.hypot(spread, math.log(stored)))
    assert numbers["mean_error_independent"] == pytest.approx(
        math.hypot(math.sqrt(squares / 16), left)
    )
    assert numbers["start_left"] == pytest.approx(left)
    assert numbers["variance_bias"] == pytest.approx(math.log(ratio))
    assert numbers["noise"] == pytest.approx(theory.noise_of_x_hat(16, 100, 1.0))
    assert numbers["inflation"] == pytest.approx(theory.inflation(16, 1.0))
    assert "squared_inflation" not in numbers
    assert numbers["lag"] == pytest.approx(running.lag("constant", 0.99, 20))
    effective = 16 * (1 - left) ** 2 / squares
    assert numbers["effective_examples"] == pytest.approx(effective)
    assert 0.9 * 320 < effective <= 320
    assert "mean_error_epoch_end" not in numbers


def test_the_long_run_of_shuffled_epochs() -> None:
    numbers = values(replace(KERAS, dataset_size=100))
    squares = 0.01 / 1.99
    phases = [running.sum_of_squared_epochs("constant", 0.99, 6, j, math.inf) for j in range(1, 7)]
    each = [running.linear_variance(squares, epochs, 16, 100) for epochs in phases]
    assert numbers["mean_error_shuffled"] ** 2 == pytest.approx(sum(each) / 6)
    assert numbers["mean_error_epoch_end"] ** 2 == pytest.approx(each[-1])
    spread = variance_theory.log_error("biased", squares, phases[-1], 16, 100, 0.0)
    assert numbers["variance_error_epoch_end"] == pytest.approx(
        math.hypot(spread, math.log(15 / 16 * 100 / 99))
    )
    assert "start_left" not in numbers


def test_a_time_constant_is_its_decay_at_this_batch() -> None:
    numbers = values(Question(50, 5000.0, keep="time_constant"))
    decay = math.exp(-1 / 100)
    assert numbers["lag"] == pytest.approx(decay / (1 - decay))
    assert numbers["effective_examples"] == pytest.approx(50 * (1 + decay) / (1 - decay))
    assert numbers["steps_to_forget"] == 0
    assert numbers["best_at_drift"] == pytest.approx(math.sqrt((1 - decay) ** 3 / 200), rel=0.02)
    assert "decay_at_twice" not in numbers and "decay_at_twice_linear" not in numbers


def test_a_mean_of_all_batches_has_no_decay_and_no_long_run_error() -> None:
    long_run = values(Question(50, 0.7, keep="cumulative"))
    assert long_run["mean_error_independent"] == long_run["variance_error_independent"] == 0
    assert long_run["effective_examples"] == long_run["lag"] == math.inf
    assert "best_at_drift" not in long_run and "decay_at_twice" not in long_run
    short = values(Question(50, 0.7, keep="cumulative", steps=40))
    assert short["mean_error_independent"] == pytest.approx(1 / math.sqrt(2000))
    assert (short["lag"], short["start_left"]) == (19.5, 0)
    assert short["effective_examples"] == pytest.approx(2000)


def test_a_guarded_rule_is_asked_with_its_epsilon() -> None:
    numbers = values(Question(4, 0.9, second="guarded", epsilon=0.1))
    assert numbers["variance_bias"] == pytest.approx(math.log(3 / 2.9))


def test_a_decay_means_nothing_to_a_mean_of_all_batches() -> None:
    question = Question(50, 0.7, keep="cumulative", steps=40, dataset_size=200)
    assert question.decay_per_update == 0
    assert advise(question) == advise(replace(question, decay=0.1))


def test_every_law_is_said_by_some_question_and_in_order() -> None:
    named = {n.key for q in (KERAS, replace(KERAS, steps=9)) for n in advise(q).numbers}
    named |= set(values(replace(KERAS, dataset_size=64)))
    assert named == set(LAWS)
    keys = [n.key for n in advise(replace(KERAS, dataset_size=64)).numbers]
    assert keys == [key for key in LAWS if key in keys]


def test_averaged_inverse_deviations_claim_no_more_than_simulation() -> None:
    question = Question(16, 0.9, second="inverse_deviation", dataset_size=100)
    checked = {n.key: n.checked for n in advise(question).numbers}
    for key in ("variance_bias", "variance_error_shuffled", "variance_error_epoch_end"):
        assert checked[key] == laws.SIMULATED != LAWS[key].checked
    assert checked["mean_error_shuffled"] == laws.MEASURED
    assert checked["inflation"] == laws.EXACT


def test_inflation_under_heavy_tails_claims_no_more_than_simulation() -> None:
    checked = {n.key: n.checked for n in advise(replace(KERAS, excess_kurtosis=1.0)).numbers}
    assert checked["inflation"] == laws.SIMULATED
    assert checked["variance_bias"] == laws.EXACT


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"norm_batch_size": 1}, "a batch of 1 has no variance"),
        ({"decay": 1.0}, "from 0 to below 1; got 1"),
        ({"decay": -0.1}, "got -0.1"),
        ({"decay": math.nan}, "got nan"),
        ({"keep": "time_constant"}, "memory is in samples, above 1 and below 1e12; got 0.99"),
        ({"keep": "debiased", "decay": 1.5}, "got 1.5"),
        ({"steps": 0}, "steps must be 1 or more; got 0"),
        ({"dataset_size": 15}, "a data set of 15 cannot fill one batch of 16"),
        ({"excess_kurtosis": -2.1}, "-2 or more, 0 for a normal law; got -2.1"),
        ({"excess_kurtosis": math.nan}, "got nan"),
    ],
)
def test_what_cannot_be_asked(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(KERAS, **changes)
    assert words in str(refused.value)


def test_a_full_batch_has_nothing_to_predict() -> None:
    numbers = values(Question(64, 0.9, dataset_size=64))
    for key in ("mean_error_shuffled", "variance_sampling", "noise", "equivalent_dropout"):
        assert numbers[key] == pytest.approx(0, abs=1e-8)


def test_advice_is_plain_values() -> None:
    advice = advise(KERAS)
    assert isinstance(advice, Advice)
    assert all(isinstance(sentence, str) for sentence in (*advice.change, *advice.notes))
    assert advice.change == (NOTHING,)
    noisy = advise(replace(KERAS, decay=0.5))
    assert noisy.change == tuple(f"{action.do} {action.gain}" for action in noisy.actions)


def test_decisions_rest_on_six_numbers() -> None:
    way = {True: "shuffled", False: "independent"}
    for question in (KERAS, replace(KERAS, dataset_size=64), replace(KERAS, steps=9)):
        keys = [number.key for number in advise(question).key_numbers]
        drawn = way[math.isfinite(question.dataset_size)]
        assert sorted(keys) == sorted([f"mean_error_{drawn}", f"variance_error_{drawn}", *ALWAYS])


@given(
    m=st.integers(2, 10**12),
    decay=st.one_of(st.floats(0, 1, exclude_max=True), st.just(1 - 2**-53)),
    keep=st.sampled_from(["constant", "debiased", "cumulative", "time_constant"]),
    second=st.sampled_from(["biased", "unbiased", "guarded", "inverse_deviation"]),
    steps=st.one_of(st.just(math.inf), st.integers(1, 10**12)),
    more=st.one_of(st.just(math.inf), st.integers(0, 10**12)),
    kurtosis=st.floats(-2, 100),
)
@example(2009, 0.0, "time_constant", "biased", 4_977_600_733, math.inf, 36.0)
def test_whatever_can_be_asked_is_answered(
    m: int, decay: float, keep: Any, second: Any, steps: float, more: float, kurtosis: float
) -> None:
    """No answer is missing, none is negative that cannot be."""
    samples = 1.001 + decay * 1e9 if keep == "time_constant" else decay
    answer = advise(Question(m, samples, keep, second, 1e-3, steps, m + more, kurtosis))
    for number in answer.numbers:
        assert not math.isnan(number.value)
        assert number.value >= 0 or number.key in ("variance_bias", "variance_offset")
    assert answer.change and not any("nan" in sentence for sentence in answer.change)

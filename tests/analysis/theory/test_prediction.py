"""What may be asked of theory, and how one question's answers hang together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.theory.batch_statistics import noise_of_x_hat
from caviar.analysis.theory.prediction import (
    bias,
    divergence,
    divergence_of_bias,
    divergence_of_error,
    dropout_rate,
    effective_examples,
    epoch_end_error,
    error,
    independent_error,
    noise,
    offset,
    shuffled_error,
    start_of_mean,
    with_offset,
)
from caviar.analysis.theory.question import Question
from caviar.model.averages.frameworks import ALL
from tests.analysis.theory.simulation import (
    averaged,
    batches_of_images,
    followed,
    normal_batches,
    state,
)

ASKED = Question(64, 0.9)
SHUFFLED = replace(ASKED, dataset_size=1024)


def test_independent_batches_have_the_textbook_error_of_the_mean() -> None:
    """Var = (1 - d) / (1 + d) / m in the long run, and 1 / (m t) for the mean of t batches."""
    assert independent_error(ASKED).mean == pytest.approx(math.sqrt(0.1 / 1.9 / 64))
    ten = replace(ASKED, keep="cumulative", steps=10)
    assert independent_error(ten).mean == pytest.approx(math.sqrt(1 / 640))


def test_shuffling_lowers_the_error_and_most_at_an_epoch_s_end() -> None:
    ends, anywhere, independent = (
        answer(SHUFFLED).mean for answer in (epoch_end_error, shuffled_error, independent_error)
    )
    assert ends < anywhere < independent


def test_the_error_to_expect_is_shuffled_where_the_data_set_is_known() -> None:
    assert error(SHUFFLED) == shuffled_error(SHUFFLED)
    assert error(ASKED) == independent_error(ASKED)


def test_the_long_run_is_the_mean_over_the_phases_of_a_late_epoch() -> None:
    """16 batches an epoch, after 200 epochs; variances are averaged, not deviations."""
    late = [shuffled_error(replace(SHUFFLED, steps=3200 + phase)) for phase in range(1, 17)]
    mean = np.sqrt(np.mean([one.mean**2 for one in late]))
    assert shuffled_error(SHUFFLED).mean == pytest.approx(mean, rel=1e-9)


def test_divergences_are_those_of_normal_laws() -> None:
    """KL of variances r and 1 is (r - 1 - log r) / 2; of errors to second order."""
    biased = replace(ASKED, second="biased")
    ratio = math.exp(bias(biased))
    assert divergence_of_bias(biased) == pytest.approx((ratio - 1 - math.log(ratio)) / 2)
    one = error(ASKED)
    assert divergence_of_error(ASKED) == pytest.approx(one.mean**2 / 2 + one.variance**2 / 4)


def test_examples_behind_an_average_and_the_noise_in_training() -> None:
    """m (1 + d) / (1 - d) independent examples scatter as the average of decay d does."""
    assert effective_examples(ASKED) == pytest.approx(64 * 1.9 / 0.1)
    assert effective_examples(replace(ASKED, keep="cumulative", steps=10)) == pytest.approx(640)
    assert noise(SHUFFLED) == float(noise_of_x_hat(64, 1024, 0.0))
    assert dropout_rate(ASKED) == pytest.approx(noise(ASKED) / (1 + noise(ASKED)))


@pytest.mark.parametrize("name", [name for name, row in ALL.items() if row.keep == "constant"])
def test_a_start_that_is_not_forgotten_is_in_the_errors(name: str) -> None:
    """160 updates at 0.99: a fifth of the start is left, and what is printed has it."""
    row = ALL[name]
    question = Question(
        *(32, 0.99, row.keep, row.second, row.epsilon),
        steps=160,
        input_mean=-0.5,
        input_variance=4.0,
    )
    told = with_offset(question, error(question))
    measured = followed(row, 0.99, question, np.random.default_rng(3))
    assert told.mean == pytest.approx(measured.mean, rel=0.02)
    assert told.variance == pytest.approx(measured.variance, rel=0.03)
    assert divergence(question) == pytest.approx(measured.divergence, rel=0.04)
    assert start_of_mean(question) == pytest.approx(0.5 * 0.99**160)
    assert abs(offset(question)) > abs(bias(question)) + 0.1


@pytest.mark.parametrize("variance", [0.3, 4.0])
def test_a_start_has_no_sampling_error(variance: float) -> None:
    """Where it still weighs, it dilutes that of the batches, by its share of what is stored."""
    row = ALL["pytorch"]
    question = Question(8, 0.99, steps=60, input_variance=variance)
    batches = normal_batches(np.random.default_rng(0), 8, 60)
    mean, stored = averaged(row, 0.99, batches, question)
    told = error(question)
    assert np.log(stored).std() == pytest.approx(told.variance, rel=0.12)
    assert (mean / np.sqrt(variance)).std() == pytest.approx(told.mean, rel=0.12)


@pytest.mark.parametrize(("positions", "effective"), [(16, 4.0), (16, 16.0), (9, 1.5)])
@pytest.mark.parametrize("name", ["pytorch", "keras-3"])
def test_positions_count_for_what_they_are_worth(
    name: str, positions: int, effective: float
) -> None:
    """Images of correlated positions: 1 / (m e) is missing, and no rule's factor gives it back."""
    row, m = ALL[name], 4
    question = Question(
        *(m, 0.9, row.keep, row.second, row.epsilon),
        steps=100,
        positions=positions,
        effective_positions=effective,
    )
    random = np.random.default_rng(0)
    batches = batches_of_images(random, m, positions, effective, 100)
    factor = positions * m / (positions * m - 1) if name == "pytorch" else 1.0
    expected = (1 - 1 / (m * effective)) * factor
    assert bias(question) == pytest.approx(np.log(expected), abs=1e-9)
    assert batches.variance.mean() * factor == pytest.approx(expected, rel=0.01)
    measured = state(*averaged(row, 0.9, batches, question), question)
    told = with_offset(question, error(question))
    assert told.mean == pytest.approx(measured.mean, rel=0.1)
    # The squares of positions are less alike than the positions: the error is an upper one.
    assert measured.variance < 1.1 * told.variance

"""What may be asked of theory, and how one question's answers hang together."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.analysis.theory.batch_statistics import noise_of_x_hat
from caviar.analysis.theory.prediction import (
    Question,
    bias,
    divergence_of_bias,
    divergence_of_error,
    effective_examples,
    epoch_end_error,
    error,
    independent_error,
    noise,
    shuffled_error,
)

ASKED = Question(64, 0.9)
SHUFFLED = replace(ASKED, dataset_size=1024)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"norm_batch_size": 1}, "a batch of 1 has no variance"),
        ({"keep": "time_constant", "decay": 0.9}, "above 1 and below 1e12; got 0.9"),
        ({"decay": 1.0}, "from 0 to below 1; got 1"),
        ({"keep": "debiased", "decay": -0.1}, "from 0 to below 1; got -0.1"),
        ({"steps": 0}, "steps must be 1 or more; got 0"),
        ({"dataset_size": 63}, "a data set of 63 cannot fill one batch of 64"),
        ({"excess_kurtosis": -2.5}, "excess kurtosis is -2 or more"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(ASKED, **wrong)


def test_the_weight_of_an_update_follows_the_rule() -> None:
    assert ASKED.decay_per_update == 0.9
    assert replace(ASKED, keep="cumulative").decay_per_update == 0
    memory = replace(ASKED, keep="time_constant", decay=640.0)
    assert memory.decay_per_update == pytest.approx(math.exp(-64 / 640))


def test_the_rest_of_an_epoch_is_dropped() -> None:
    assert replace(ASKED, dataset_size=1000).batches_per_epoch == 15


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

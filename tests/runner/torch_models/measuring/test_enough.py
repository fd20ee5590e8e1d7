from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.audit.evidence import Estimate, Moments
from caviar.runner.torch_models.measuring.enough import shortfall


def _estimate(mean_error: float, variance_error: float) -> Estimate:
    """Three features of deviation 2, the last of them constant."""
    variance = np.array([4.0, 4.0, 0.0])
    error = Moments(np.full(3, 2 * mean_error), np.full(3, 4 * variance_error))
    return Estimate(Moments(np.zeros(3), variance), error)


def _stored(mean: float, log_ratio: float) -> Moments:
    return Moments(np.full(3, 2 * mean), np.full(3, 4 * np.exp(log_ratio)))


@pytest.mark.parametrize(
    "errors, distances, expected",
    [
        ((0.019, 0.019), (0.0, 0.0), True),
        ((0.021, 0.019), (0.0, 0.0), False),
        ((0.019, 0.021), (0.0, 0.0), False),
        ((0.049, 0.019), (0.5, 0.0), True),
        ((0.051, 0.019), (0.5, 0.0), False),
        ((0.019, 0.049), (0.0, -0.5), True),
        ((0.019, 0.051), (0.0, -0.5), False),
        ((np.nan, 0.01), (0.0, 0.0), True),
    ],
)
def test_errors_are_a_tenth_of_what_is_reported(
    errors: tuple[float, float], distances: tuple[float, float], expected: bool
) -> None:
    worst = shortfall({"1": _estimate(*errors)}, {"1": _stored(*distances)})
    assert (worst <= 1) is expected


def test_every_layer_counts_and_one_without_statistics_too() -> None:
    good, bad = _estimate(0.01, 0.01), _estimate(0.03, 0.01)
    assert shortfall({"1": good, "2": good}, {"1": None, "2": None}) == pytest.approx(0.5)
    assert shortfall({"1": good, "2": bad}, {"1": None, "2": None}) == pytest.approx(1.5)

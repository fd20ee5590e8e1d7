"""Errors of running averages against the population, and their three parts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from caviar.model.averages.errors import Split, TrackerError, tracker_errors
from caviar.model.contract import Array, Moments
from tests.model.helpers import normal

LAYERS = {"norm1": 6, "norm2": 5}
WHOLE = 5
"""Columns of the whole error; the others are its parts."""


def _exact(features: dict[str, int] = LAYERS) -> dict[str, Moments]:
    """Population statistics of two replicas."""
    return {k: Moments(normal(3, 2, 1, n), normal(4, 2, 1, n) ** 2) for k, n in features.items()}


def _averages(seed: int, features: dict[str, int] = LAYERS) -> dict[str, Moments]:
    """Averages of three trackers in two replicas."""
    return {
        k: Moments(normal(seed, 3, 2, n), np.exp(normal(seed + 1, 3, 2, n)))
        for k, n in features.items()
    }


def _errors(mean: Array, variance: Array, exact: Moments, epsilon: float) -> list[float]:
    """The five errors of one replica by scalar loops; the divergence as an integral."""
    shift, log_ratio, divergence = [], [], []
    for average, v, true, true_v in zip(mean, variance, exact.mean, exact.variance, strict=True):
        v, true_v = v + epsilon, true_v + epsilon
        shift.append((average - true) / true_v**0.5)
        log_ratio.append(np.log(v / true_v))
        log_p = _log_density(float(average), float(v) ** 0.5)
        log_q = _log_density(float(true), float(true_v) ** 0.5)
        span = average + 12 * v**0.5 * np.array([-1, 1])
        divergence.append(_divergence(log_p, log_q, *span))
    square = [np.sqrt(np.mean(np.square(e))) for e in (shift, log_ratio)]
    return [square[0], np.mean(shift), square[1], np.mean(log_ratio), np.mean(divergence)]


def _log_density(mean: float, deviation: float) -> Callable[[float], float]:
    """Of a normal law; scalar arithmetic, as an integral asks for thousands of points."""
    constant = math.log(deviation) + math.log(2 * math.pi) / 2
    return lambda x: -(((x - mean) / deviation) ** 2) / 2 - constant


def _divergence(
    log_p: Callable[[float], float], log_q: Callable[[float], float], low: float, high: float
) -> float:
    return float(
        quad(lambda x: math.exp(log_p(x)) * (log_p(x) - log_q(x)), low, high, epsabs=1e-12)[0]
    )


def test_errors_by_hand() -> None:
    averages, exact, epsilon = _averages(1), _exact(), 0.05
    errors = tracker_errors(averages, exact, epsilon, None)
    assert list(errors) == ["norm1", "norm2"]
    for layer, error in errors.items():
        for t, r in np.ndindex(3, 2):
            population = Moments(exact[layer].mean[r, 0], exact[layer].variance[r, 0])
            average = averages[layer]
            expected = _errors(average.mean[t, r], average.variance[t, r], population, epsilon)
            columns = [column[t, r] for column in error[:WHOLE]]
            np.testing.assert_allclose(columns, expected, rtol=1e-7)


def test_equal_statistics_have_no_error() -> None:
    exact = _exact()
    averages = {
        k: Moments(np.stack([m.mean[:, 0]] * 2), np.stack([m.variance[:, 0]] * 2))
        for k, m in exact.items()
    }
    for split in (None, Split(averages, averages)):
        for error in tracker_errors(averages, exact, 1e-5, split).values():
            for column in error[: WHOLE if split is None else None]:
                np.testing.assert_array_equal(column, np.zeros((2, 2)))


def test_without_a_shadow_the_parts_are_not_known() -> None:
    for error in tracker_errors(_averages(1), _exact(), 1e-5, None).values():
        for name, column in error._asdict().items():
            assert column.shape == (3, 2)
            assert np.isnan(column).all() == (name in TrackerError._fields[WHOLE:])


def test_the_parts_by_hand() -> None:
    """Each part is a difference of neighbours in the chain, as root mean square over features."""
    chain = [_averages(seed) for seed in (1, 3, 5)]
    exact, epsilon = _exact(), 0.05
    errors = tracker_errors(chain[0], exact, epsilon, Split(chain[1], chain[2]))
    names = ("sampling", "staleness", "propagation")
    for layer, (t, r) in ((k, index) for k in LAYERS for index in np.ndindex(3, 2)):
        mean, variance = exact[layer].mean[r, 0], exact[layer].variance[r, 0] + epsilon
        means = [c[layer].mean[t, r] / variance**0.5 for c in chain] + [mean / variance**0.5]
        logs = [np.log(c[layer].variance[t, r] + epsilon) for c in chain] + [np.log(variance)]
        for i, name in enumerate(names):
            for kind, values in (("mean", means), ("variance", logs)):
                expected = np.sqrt(np.mean((values[i] - values[i + 1]) ** 2))
                part = getattr(errors[layer], f"{kind}_{name}")[t, r]
                np.testing.assert_allclose(part, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["mean", "variance"])
def test_the_parts_of_one_feature_add_up(kind: str) -> None:
    """A feature's root mean square is its size, so some choice of signs gives the whole."""
    one = {"norm1": 1}
    averages, exact = _averages(1, one), _exact(one)
    split = Split(_averages(3, one), _averages(5, one))
    error = tracker_errors(averages, exact, 0.05, split)["norm1"]
    parts = [getattr(error, f"{kind}_{p}") for p in ("sampling", "staleness", "propagation")]
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1)
    sums = np.tensordot(signs.T, np.array(parts), axes=1)
    away = np.abs(sums - getattr(error, f"{kind}_bias")).min(axis=0)
    np.testing.assert_allclose(away, 0, atol=1e-12)
    assert np.min(parts) > 1e-3

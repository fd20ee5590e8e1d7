"""How far running averages are from the population statistics, and the parts of that error."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Moments


class Split(NamedTuple):
    """Readings that split an average's error into parts, `(trackers, replicas, features)` by layer.

    `shadow`: the average as it would be had every step used the statistics expected at its
    weights; `expected`: the statistics expected at the present weights.
    """

    shadow: dict[str, Moments]
    expected: dict[str, Moments]


class TrackerError(NamedTuple):
    """Errors of all trackers in one layer, `(trackers, replicas)`; see `StatisticsError`."""

    mean_error: Array
    mean_bias: Array
    variance_error: Array
    variance_bias: Array
    divergence: Array
    mean_sampling: Array
    mean_staleness: Array
    mean_propagation: Array
    variance_sampling: Array
    variance_staleness: Array
    variance_propagation: Array


def tracker_errors(
    running: dict[str, Moments], exact: dict[str, Moments], epsilon: float, split: Split | None
) -> dict[str, TrackerError]:
    """By layer, the error of every tracker against the population statistics.

    `running` is what `RunningStatistics.read` gives. Without a `split` the columns of the parts
    are NaN.
    """
    return {
        name: _errors(
            average,
            exact[name],
            epsilon,
            None if split is None else (split.shadow[name], split.expected[name]),
        )
        for name, average in running.items()
    }


def _errors(
    running: Moments, exact: Moments, epsilon: float, between: tuple[Moments, Moments] | None
) -> TrackerError:
    variance = exact.variance[:, 0] + epsilon
    population = Moments(exact.mean[:, 0], exact.variance[:, 0])
    shift, log_ratio = _apart(running, population, variance, epsilon)
    divergence = 0.5 * (np.exp(log_ratio) + shift**2 - 1 - log_ratio)
    return TrackerError(
        _root_mean_square(shift),
        shift.mean(axis=-1),
        _root_mean_square(log_ratio),
        log_ratio.mean(axis=-1),
        divergence.mean(axis=-1),
        *_parts(running, between, population, variance, epsilon),
    )


def _parts(
    running: Moments,
    between: tuple[Moments, Moments] | None,
    population: Moments,
    variance: Array,
    epsilon: float,
) -> tuple[Array, ...]:
    """Root mean squares of the three parts of the mean's error, then of the variance's."""
    if between is None:
        return (np.full(running.mean.shape[:2], np.nan),) * 6
    chain = (running, *between, population)
    links = [_apart(a, b, variance, epsilon) for a, b in itertools.pairwise(chain)]
    return tuple(_root_mean_square(link[i]) for i in (0, 1) for link in links)


def _apart(a: Moments, b: Moments, variance: Array, epsilon: float) -> tuple[Array, Array]:
    """Difference of means in deviations, and log ratio of variances plus epsilon."""
    shift = (a.mean - b.mean) / np.sqrt(variance)
    return shift, np.log((a.variance + epsilon) / (b.variance + epsilon))


def _root_mean_square(x: Array) -> Array:
    return np.asarray(np.sqrt(np.mean(x**2, axis=-1)))

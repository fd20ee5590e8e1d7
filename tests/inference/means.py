"""How often the interval of a mean holds the true mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from caviar.analysis.statistics.resampling import studentised
from tests.inference.laws import HARDER, LAWS, SEEDS, Law
from tests.inference.section import Rows, Section, percent

Array = NDArray[Any]


def ends(
    samples: Array, generator: np.random.Generator, level: float = 0.95
) -> tuple[Array, Array]:
    """The ends of `mean_interval` of every column of `samples`, `(units, samples)`.

    Columns share their resamples, which makes a thousand intervals as cheap as ten.
    """
    n = len(samples)
    error, t = studentised(samples, generator)
    tail = (1 - level) / 2
    upper, lower = np.quantile(t, [1 - tail, tail], axis=0, method="inverted_cdf")
    tied = np.isinf(upper) | np.isinf(lower)
    student = stats.t.isf(tail, n - 1)
    upper, lower = np.where(tied, student, upper), np.where(tied, -student, lower)
    mean = samples.mean(axis=0)
    return mean - upper * error, mean - lower * error


def coverage(law: Law, seeds: int, simulations: int, key: int = 0) -> float:
    """Share of intervals that hold the true mean, 0."""
    nature = np.random.default_rng([11, seeds, key])
    low, high = ends(law(nature, (seeds, simulations)), np.random.default_rng(seeds))
    return float(((low <= 1e-12) & (high >= -1e-12)).mean())


def table(simulations: int) -> Rows:
    """Coverage by law and number of seeds."""
    rows = [("law of the seeds", *(f"{n} seeds" for n in SEEDS))]
    for name, law in (LAWS | HARDER).items():
        rows.append((name, *(percent(coverage(law, n, simulations)) for n in SEEDS)))
    return rows


MEANS = Section(
    "An interval of a mean",
    """
A seed is the unit: its draws are averaged first, and two sizes are compared within a seed. From
five seeds on a mean has a 95 % interval. It comes from 4,000 resamples of the seeds: how far a
resample's mean lies from the mean, measured in its own standard errors, shows how far the mean
may lie from the truth (bootstrap-t). If so many seeds have the same value that resamples of them
say nothing about one side, the interval is Student's t. Every end is finite, and cut where the
quantity ends: an accuracy at 1, a loss at 0.

The table has the share of intervals that hold the true mean; 95 % is what they promise. Bell
curves, moderate skew and ties keep it within a few points. Heavy tails do not, and rare outliers
defeat these intervals as they do all others: a sample that has not met the outlier cannot know of
it. Differences between sizes within a seed are nearly symmetric, which is the mildest case.
""",
    table,
)

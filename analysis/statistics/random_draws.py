"""Draws as a sample: a mean over seeds and over draws of a search, for draws not yet made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from caviar.analysis.statistics.intervals import FEWEST, LEVEL
from caviar.analysis.statistics.resampling import RESAMPLES, ROUNDING

Array = NDArray[Any]

FEWEST_DRAWS = 8
"""Below this many draws no interval over draws is given: of four skewed effects none that was tried
holds 93 % without holding 98 % of normal ones (docs/inference.md)."""

WIDER = 0.4
"""Each end lies by this share, over the number of draws, farther out than t says: 5 % for eight
draws. With it 93 % or more of exponential effects are held, and at most 98 % of normal ones."""


class Held(NamedTuple):
    """Shares of intervals, in percent, that held the mean over new draws in simulations: the lowest
    and the highest for effects of at most moderate skew, and the lowest for a heavy tail."""

    least: int
    most: int
    heavy: int


HELD = {8: Held(92, 98, 87), 16: Held(94, 97, 91)}
"""By number of draws, what the table of docs/inference.md has for draws made at random."""


def held(draws: int) -> Held:
    """The row of `HELD` for so many draws or the next fewer."""
    return HELD[max(n for n in HELD if n <= draws)]


class OverDraws(NamedTuple):
    """A mean over seeds and draws, with an interval that holds for other seeds *and* draws."""

    mean: float
    low: float
    high: float
    seeds: int
    draws: int
    left_out: int


class Variance(NamedTuple):
    """The squared standard error of a mean over seeds and draws, and its degrees of freedom."""

    squared_error: Array
    freedom: Array


def over_draws(values: Array, generator: np.random.Generator, *, level: float = LEVEL) -> OverDraws:
    """The mean of `values`, `(seeds, draws)`, over the law that the draws are a sample of.

    The ends are those of `over_draws_bounds`. A draw with a value that is not finite is left out
    and counted; with fewer than eight draws or five seeds there is no interval.
    """
    whole = np.isfinite(values).all(axis=0)
    kept = values[:, whole].astype(np.float64)
    seeds, draws = kept.shape
    mean = float(kept.mean()) if kept.size else float("nan")
    low = high = float("nan")
    if seeds >= FEWEST and draws >= FEWEST_DRAWS:
        low, high = (float(end) for end in over_draws_bounds(kept, generator, level))
    return OverDraws(mean, low, high, seeds, draws, int((~whole).sum()))


def over_draws_bounds(
    values: Array, generator: np.random.Generator, level: float, resamples: int = RESAMPLES
) -> tuple[Array, Array]:
    """Ends, `(...)` each, for the mean of `values`, `(..., seeds, draws)`, over both.

    Seeds and draws are two crossed samples. Each end is the farther of two, by `WIDER` farther
    still. The first takes Student's t of the two-way standard error, with Satterthwaite's degrees
    of freedom (Searle, Casella & McCulloch 1992, section 4.7); few draws suffice, if their effects
    are not skewed. The second takes the quantiles of t* over resamples of seeds and,
    independently, of draws (Owen 2007, "the pigeonhole bootstrap"), which follow a skewed law from
    eight draws on. Leading axes are samples, which share their resamples.
    """
    seeds, draws = values.shape[-2:]
    mean = values.mean(axis=(-2, -1))
    away = values - mean[..., np.newaxis, np.newaxis]
    once = (np.ones((1, seeds)), np.ones((1, draws)))
    _, (squared, freedom) = _resampled(away, *once)
    error, freedom = (1 + WIDER / draws) * np.sqrt(squared[..., 0]), freedom[..., 0]
    tail = (1 - level) / 2
    reach = stats.t.ppf(1 - tail, freedom)
    counts = (generator.multinomial(n, np.full(n, 1 / n), resamples) for n in (seeds, draws))
    means, (squares, _) = _resampled(away, *(count.astype(np.float64) for count in counts))
    # A resample of one draw and one seed has no spread: its t* is infinite.
    t = np.copysign(np.inf, means)
    np.divide(means, np.sqrt(squares), out=t, where=squares > ROUNDING * squared)
    upper, lower = np.quantile(t, [1 - tail, tail], axis=-1, method="inverted_cdf")
    upper, lower = (np.where(np.isfinite(q), q, 0.0) for q in (upper, lower))
    return mean - np.maximum(reach, upper) * error, mean + np.maximum(reach, -lower) * error


def _resampled(away: Array, by_seed: Array, by_draw: Array) -> tuple[Array, Variance]:
    """Means `(..., resamples)` of `away`, `(..., seeds, draws)`, and their squared errors.

    `by_seed`, `(resamples, seeds)`, and `by_draw`, `(resamples, draws)`, count how often each is
    held. The squared error is (MS_draws + MS_seeds - MS_rest) / (seeds draws), and at least the
    larger of the first two alone, where the estimate of one of the components is negative.
    """
    seeds, draws = away.shape[-2:]
    of_draws = by_seed @ away / seeds  # (..., resamples, draws)
    of_seeds = by_draw @ away.swapaxes(-1, -2) / draws  # (..., resamples, seeds)
    mean = (of_draws * by_draw).mean(axis=-1)
    between_draws = (by_draw * of_draws**2).sum(axis=-1) - draws * mean**2
    between_seeds = (by_seed * of_seeds**2).sum(axis=-1) - seeds * mean**2
    total = ((by_seed @ away**2) * by_draw).sum(axis=-1) - seeds * draws * mean**2
    rest = total - seeds * between_draws - draws * between_seeds
    free = draws - 1, seeds - 1, (draws - 1) * (seeds - 1)
    squares = (seeds * between_draws, draws * between_seeds, rest)
    d, s, r = (np.maximum(square, 0) / f for square, f in zip(squares, free, strict=True))
    both = d + s - r
    moments = d**2 / free[0] + s**2 / free[1] + r**2 / free[2]
    freedom = np.divide(both**2, moments, out=np.ones_like(both), where=moments > 0)
    alone, larger = np.where(d > s, free[0], free[1]), np.maximum(d, s)
    freedom = np.where(both < larger, alone, freedom)
    return mean, Variance(np.maximum(both, larger) / (seeds * draws), freedom)

"""Draws as a sample: a mean over seeds and over draws of a search, for draws not yet made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import FEWEST, LEVEL, t_quantile
from caviar.analysis.statistics.resampling import RESAMPLES, ROUNDING

Array = NDArray[Any]

FEWEST_DRAWS = 4
"""Below this many draws no interval over draws is given."""

MANY_DRAWS = 8
"""From this many on, resamples of the draws follow a skewed law."""

WIDER = 0.4
"""From `MANY_DRAWS` on, each end lies by this share, over the number of draws, farther out than t
says: 5 % for eight. With it 93 % or more of exponential effects are held, and at most 98 % of
normal ones. With fewer draws normal ones would be held too often (docs/inference.md)."""


class Held(NamedTuple):
    """Shares of intervals, in percent, that held the mean over new draws in simulations: the lowest
    and the highest for effects of at most moderate skew, and the lowest for a heavy tail."""

    least: int
    most: int
    heavy: int


HELD = {4: Held(88, 97, 85), 8: Held(92, 98, 87), 16: Held(94, 97, 91)}
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
    and counted; with fewer than four draws or five seeds there is no interval.
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

    Seeds and draws are two crossed samples: t is the mean over its two-way standard error, with
    Satterthwaite's degrees of freedom (Searle, Casella & McCulloch 1992, section 4.7). Leading axes
    are samples, which share their resamples.
    """
    if values.shape[-1] < MANY_DRAWS:
        return corrected_bounds(values, level)
    return resampled_bounds(values, generator, level, resamples)


def corrected_bounds(values: Array, level: float) -> tuple[Array, Array]:
    """The ends for few draws: of t corrected by the skew of the draws' means (Hall 1992, section
    3)."""
    mean, away, error, reach = _students(values, level)
    skew = _skew(away.mean(axis=-2)) / np.sqrt(values.shape[-1])
    return mean - _uncorrected(reach, skew) * error, mean - _uncorrected(-reach, skew) * error


def resampled_bounds(
    values: Array, generator: np.random.Generator, level: float, resamples: int
) -> tuple[Array, Array]:
    """The ends for many draws: the farther of two, by `WIDER` farther still. One is Student's. The
    other takes the quantiles of t* over resamples of seeds and, independently, of draws (Owen 2007,
    "the pigeonhole bootstrap"), which follow a skewed law from eight draws on."""
    mean, away, error, reach = _students(values, level)
    tail = (1 - level) / 2
    counts = (generator.multinomial(n, np.full(n, 1 / n), resamples) for n in values.shape[-2:])
    means, (squares, _) = _resampled(away, *(count.astype(np.float64) for count in counts))
    # A resample of one draw and one seed has no spread: its t* is infinite.
    t = np.copysign(np.inf, means)
    least = ROUNDING * error[..., np.newaxis] ** 2
    np.divide(means, np.sqrt(squares), out=t, where=squares > least)
    upper, lower = np.quantile(t, [1 - tail, tail], axis=-1, method="inverted_cdf")
    upper, lower = (np.where(np.isfinite(q), q, 0.0) for q in (upper, lower))
    error = (1 + WIDER / values.shape[-1]) * error
    return mean - np.maximum(reach, upper) * error, mean + np.maximum(reach, -lower) * error


def _students(values: Array, level: float) -> tuple[Array, Array, Array, Array]:
    """The mean over seeds and draws, `values` less it, its standard error, and Student's t."""
    mean = values.mean(axis=(-2, -1))
    away = values - mean[..., np.newaxis, np.newaxis]
    seeds, draws = values.shape[-2:]
    _, (squared, freedom) = _resampled(away, np.ones((1, seeds)), np.ones((1, draws)))
    reach = t_quantile((1 + level) / 2, freedom[..., 0])
    return mean, away, np.sqrt(squared[..., 0]), reach


def _skew(means: Array) -> Array:
    """Skew of the last axis, 0 where nothing varies."""
    away = means - means.mean(axis=-1, keepdims=True)
    variance, third = (away**2).mean(axis=-1), (away**3).mean(axis=-1)
    return np.asarray(third / np.where(variance > 0, variance, np.inf) ** 1.5)


def _uncorrected(corrected: Array, skew: Array) -> Array:
    """The t that Hall's correction makes into `corrected`, where `skew` is that of single values
    over the root of their number: t + skew (1/6 + t^2 / 3) + skew^2 t^3 / 27."""
    cubed = 1 + skew * (corrected - skew / 6)
    straight = np.abs(skew) < 1e-6
    return np.where(straight, corrected, 3 * (np.cbrt(cubed) - 1) / np.where(straight, 1, skew))


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

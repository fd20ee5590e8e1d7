"""How often something is wrongly called better, or rightly, where the best of several is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.run.draws import split_seeds
from caviar.analysis.statistics.intervals import FEWEST
from caviar.analysis.statistics.largest_t import largest_t
from caviar.analysis.statistics.resampling import studentised
from tests.inference.laws import LAWS, SEEDS, Law
from tests.inference.means import ends
from tests.inference.section import Rows, Section, percent

Array = NDArray[Any]

OPTIONS = 4
SHARED = 0.7
"""Share of the variance that all sizes of a seed have in common, where they have."""


class Sides(NamedTuple):
    """Losses of two groups of options, `(seeds, samples, options)` each."""

    a: Array
    b: Array


def tied(law: Law, nature: np.random.Generator, seeds: int, samples: int) -> Sides:
    """All options are equal in truth."""
    noise = law(nature, (seeds, samples, 2 * OPTIONS))
    return Sides(noise[..., :OPTIONS], noise[..., OPTIONS:])


def one_leads(law: Law, nature: np.random.Generator, seeds: int, samples: int) -> Sides:
    """One side's best leads its others by two standard errors; the best of both are equal."""
    a, b = tied(law, nature, seeds, samples)
    behind = 2 / np.sqrt(seeds) * (np.arange(OPTIONS) > 0)
    return Sides(a + behind, b)


def against_one(law: Law, nature: np.random.Generator, seeds: int, samples: int) -> Sides:
    """The best of four against a single one, all equal."""
    a, b = tied(law, nature, seeds, samples)
    return Sides(a, b[..., :1])


def correlated(law: Law, nature: np.random.Generator, seeds: int, samples: int) -> Sides:
    """All are equal, and the sizes of a seed share most of their noise."""
    a, b = tied(law, nature, seeds, samples)
    shared = np.sqrt(SHARED) * law(nature, (seeds, samples, 1))
    return Sides(*(np.sqrt(1 - SHARED) * side + shared for side in (a, b)))


WORLDS: dict[str, Callable[..., Sides]] = {
    "4 against 4, all equal": tied,
    "the same, one leads its side by 2 standard errors": one_leads,
    "4 against 1, all equal": against_one,
    "4 against 4, equal and correlated": correlated,
}


def by_choosing(sides: Sides, generator: np.random.Generator) -> tuple[Array, Array]:
    """Interval of A's best less B's: `run.choice` with the first third choosing."""
    choosing, reading = (list(part) for part in split_seeds(range(len(sides.a))))
    if len(reading) < FEWEST:
        none = np.full(sides.a.shape[1], np.nan)
        return none, none
    a, b = (
        np.take_along_axis(
            side[reading], side[choosing].mean(axis=0).argmin(axis=-1)[None, :, None], axis=-1
        )
        for side in sides
    )
    state = generator.bit_generator.state
    low = _each(sides.a[reading] - b, generator)[0].min(axis=-1)
    generator.bit_generator.state = state
    return low, _each(a - sides.b[reading], generator)[1].max(axis=-1)


def _each(contrasts: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Ends, `(samples, options)`, of every contrast, `(seeds, samples, options)`."""
    low, high = ends(contrasts.reshape(len(contrasts), -1), generator)
    return low.reshape(contrasts.shape[1:]), high.reshape(contrasts.shape[1:])


def by_band(sides: Sides, generator: np.random.Generator) -> tuple[Array, Array]:
    """Band of A's lowest mean less the only B: all seeds choose, and the band pays for it."""
    contrasts = sides.a - sides.b
    n, samples, k = contrasts.shape
    error, t = studentised(contrasts.reshape(n, -1), generator)
    t = t.reshape(-1, samples, k)
    upper = np.quantile(t.max(axis=-1), 0.975, axis=0, method="inverted_cdf")
    lower = np.quantile(t.min(axis=-1), 0.025, axis=0, method="inverted_cdf")
    bad = np.isinf(upper) | np.isinf(lower)
    if bad.any():
        normal = largest_t(contrasts.swapaxes(0, 1)[bad], generator, 0.025)
        upper[bad], lower[bad] = normal, -normal
    means = contrasts.mean(axis=0)
    lowest = means.argmin(axis=-1)
    every = np.arange(samples)
    mean, error = means[every, lowest], error.reshape(samples, k)[every, lowest]
    return mean - upper * error, mean - lower * error


def wrong(interval: tuple[Array, Array]) -> tuple[float, float]:
    """Shares of intervals wholly above 0 and wholly below 0."""
    low, high = interval
    return float((low > 1e-9).mean()), float((high < -1e-9).mean())


def level(
    world: Callable[..., Sides],
    method: Callable[..., tuple[Array, Array]],
    law: Law,
    seeds: int,
    simulations: int,
) -> tuple[float, float]:
    """Wrong "above" and wrong "below", where the best of both sides are equal in truth."""
    nature = np.random.default_rng([12, seeds])
    return wrong(method(world(law, nature, seeds, simulations), np.random.default_rng(seeds)))


def power(law: Law, seeds: int, shift: float, simulations: int) -> float:
    """Share of "above" where all of one side are worse by `shift` standard deviations."""
    nature = np.random.default_rng([13, seeds])
    a, b = tied(law, nature, seeds, simulations)
    return wrong(by_choosing(Sides(a + shift, b), np.random.default_rng(seeds)))[0]


def power_of_band(law: Law, seeds: int, shift: float, simulations: int) -> float:
    """Share of "below" where one of four sizes is better by `shift` standard deviations."""
    nature = np.random.default_rng([14, seeds])
    a, b = against_one(law, nature, seeds, simulations)
    better = shift * (np.arange(OPTIONS) == 0)
    return wrong(by_band(Sides(a - better, b), np.random.default_rng(seeds)))[1]


def levels_of_choosing(simulations: int) -> Rows:
    """Wrong above / below by world, law and number of seeds."""
    rows = [("truth", "law", *(f"{n} seeds" for n in SEEDS))]
    for name, world in WORLDS.items():
        for law_name, law in LAWS.items():
            rows.append(
                (name, law_name, *(_cell(world, by_choosing, law, n, simulations) for n in SEEDS))
            )
    return rows


def levels_of_bands(simulations: int) -> Rows:
    """The same for a size that all seeds choose."""
    rows = [("law", *(f"{n} seeds" for n in SEEDS))]
    for name, law in LAWS.items():
        rows.append((name, *(_cell(against_one, by_band, law, n, simulations) for n in SEEDS)))
    return rows


def powers(simulations: int) -> Rows:
    """What is found of a true difference of one and of two standard deviations."""
    rows = [("how", "law", *(f"{n} seeds" for n in SEEDS))]
    for how, of in (("a third chooses", power), ("all choose, band", power_of_band)):
        for name in ("normal", "exponential"):
            cells = []
            for n in SEEDS:
                one, two = (of(LAWS[name], n, shift, simulations) for shift in (1.0, 2.0))
                few = of is power and n - 1 < FEWEST
                cells.append("no interval" if few else f"{100 * one:.0f} / {100 * two:.0f} %")
            rows.append((how, name, *cells))
    return rows


def _cell(world: Any, method: Any, law: Law, seeds: int, simulations: int) -> str:
    if method is by_choosing and len(split_seeds(range(seeds))[1]) < FEWEST:
        return "no interval"
    above, below = level(world, method, law, seeds, simulations)
    return f"{percent(above)[:-2]} / {percent(below)}"


CHOOSING = Section(
    "The best of several, chosen by a third of the seeds",
    """
Wherever a learning rate, arm or size is chosen and its value then used (the reading "best draw",
the scorecard), the first third of the seeds chooses: the option with the lowest mean loss over
these seeds, learning rates by validation loss. The other seeds are read. They had no part in the
choice, so the interval is that of an option named beforehand, however many there were. A few
seeds may miss the truly best option, so a claim of the scorecard about the best of A needs more:
it lies above the best of B only if every option of A lies above the one chosen of B. At least
five seeds are left to read where there are six or more; with five seeds or fewer there is no
interval. Best draws are read at the chosen learning rate, whether or not it is the best.

The table has the share of runs in which the best of one side was wrongly called worse / better
than that of the other, although both are equal; each may be 2.5 %, and each cell has a Monte
Carlo error (see the top of the page). Four against one is a plain interval on one side, and errs
as such: up to 4 % with exponential and 5 % with lognormal noise.
""",
    levels_of_choosing,
)
BANDS = Section(
    "A size that all seeds choose",
    """
The page shows every size, so its best size is chosen by all seeds, and the difference from the
largest is read at the same seeds. Its interval is the band, which holds for all sizes together:
the largest t over the sizes of each resample takes the place of one size's t. Whatever size is
then looked at, the band holds. The table has wrong "above" / wrong "below" at the lowest of four
sizes that all equal the fifth.
""",
    levels_of_bands,
)
POWER = Section(
    "What these intervals find",
    """
The share of runs that find a true difference of one / of two standard deviations of a single
loss. "A third chooses": all four options of one side are worse than all four of the other. "All
choose, band": one size of four is better than the reference.
""",
    powers,
)

"""How often something is wrongly called better, or rightly, where the best of several is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.run.draws import split_seeds
from caviar.analysis.statistics.intervals import FEWEST, farther
from caviar.analysis.statistics.largest_t import largest_t
from caviar.analysis.statistics.resampling import studentised
from tests.inference.laws import LAWS, SEEDS, Law
from tests.inference.means import RESAMPLES, Ends, ends, missed
from tests.inference.section import Rows, Section, both, percent

Array = NDArray[Any]

OPTIONS = 4
AT_ONCE, MOST = 200, 400
"""Samples whose bands are computed at once, and in all."""


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


WORLDS: dict[str, Callable[..., Sides]] = {
    "4 against 4, all equal": tied,
    "the same, one leads its side by 2 standard errors": one_leads,
    "4 against 1, all equal": against_one,
}


def by_choosing(sides: Sides, generator: np.random.Generator) -> Ends:
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


def by_all_pairs(sides: Sides, generator: np.random.Generator) -> Ends:
    """Bounds that hold for every pair of options, all seeds read; not what the product does.

    A's best lies above B's only where some option of B lies below all of A (Hsu 1984), and the
    level is divided by the number of options that this one was picked from.
    """
    pairs = sides.a[..., :, np.newaxis] - sides.b[..., np.newaxis, :]
    of_a, of_b = pairs.shape[2:]
    low, _ = _each(pairs, generator, 1 - 0.05 / of_b)
    _, high = _each(pairs, generator, 1 - 0.05 / of_a)
    return low.min(axis=1).max(axis=1), high.max(axis=2).min(axis=1)


def _each(contrasts: Array, generator: np.random.Generator, level: float = 0.95) -> Ends:
    """Ends, `(samples, ...)`, of every contrast, `(seeds, samples, ...)`."""
    low, high = ends(contrasts.reshape(len(contrasts), -1), generator, level)
    return low.reshape(contrasts.shape[1:]), high.reshape(contrasts.shape[1:])


def by_band(sides: Sides, generator: np.random.Generator) -> Ends:
    """Band of A's lowest mean less the only B: all seeds choose, and the band pays for it."""
    contrasts = (sides.a - sides.b).swapaxes(0, 1)
    parts = [
        _band(part, generator) for part in np.array_split(contrasts, len(contrasts) // AT_ONCE or 1)
    ]
    low, high = (np.concatenate(end) for end in zip(*parts, strict=True))
    return low, high


def _band(contrasts: Array, generator: np.random.Generator) -> Ends:
    """The same of `(samples, seeds, options)`."""
    error, t = studentised(contrasts, generator, RESAMPLES)
    upper = np.quantile(t.max(axis=-1), 0.975, axis=-1, method="inverted_cdf")
    lower = np.quantile(t.min(axis=-1), 0.025, axis=-1, method="inverted_cdf")
    upper, lower = farther(upper, lower, largest_t(contrasts, generator, 0.025))
    means = contrasts.mean(axis=1)
    lowest = np.arange(len(means)), means.argmin(axis=-1)
    return means[lowest] - upper * error[lowest], means[lowest] - lower * error[lowest]


def level(
    world: Callable[..., Sides],
    method: Callable[..., Ends],
    law: Law,
    seeds: int,
    simulations: int,
) -> tuple[float, float]:
    """Wrong "above" and wrong "below", where the best of both sides are equal in truth."""
    nature = np.random.default_rng([12, seeds])
    return missed(method(world(law, nature, seeds, simulations), np.random.default_rng(seeds)))


def power(
    method: Callable[..., Ends], law: Law, seeds: int, simulations: int, behind: float = 0.0
) -> tuple[float, float]:
    """Share of "above" where all of A are worse than B's best by one, and by two deviations.

    The other options of B are worse than its best by `behind`.
    """
    a, b = tied(law, np.random.default_rng([13, seeds]), seeds, simulations)
    sides = Sides(a, b + behind * (np.arange(OPTIONS) > 0))
    interval = method(sides, np.random.default_rng(seeds))
    return missed(interval, -1.0)[0], missed(interval, -2.0)[0]


def power_of_band(law: Law, seeds: int, simulations: int) -> tuple[float, float]:
    """Share of "below" where one of four sizes is better by one, and by two deviations."""
    shares = []
    for shift in (1.0, 2.0):
        a, b = against_one(law, np.random.default_rng([14, seeds]), seeds, simulations)
        better = shift * (np.arange(OPTIONS) == 0)
        shares.append(missed(by_band(Sides(a - better, b), np.random.default_rng(seeds)))[1])
    return shares[0], shares[1]


def levels_of_choosing(simulations: int) -> Rows:
    """Wrong above / below by world, law and number of seeds."""
    rows: Rows = [("truth", "law", *(f"{n} seeds" for n in SEEDS))]
    for name, world in WORLDS.items():
        for law_name, law in LAWS.items():
            cells = (
                "no interval" if _few(n) else both(*level(world, by_choosing, law, n, simulations))
                for n in SEEDS
            )
            rows.append((name, law_name, *cells))
    return rows


def levels_of_bands(simulations: int) -> Rows:
    """The same for a size that all seeds choose."""
    rows: Rows = [("law", *(f"{n} seeds" for n in SEEDS))]
    for name, law in LAWS.items():
        cells = (level(against_one, by_band, law, n, min(simulations, MOST)) for n in SEEDS)
        rows.append((name, *(both(*cell) for cell in cells)))
    return rows


def powers(simulations: int) -> Rows:
    """What is found of a true difference of one and of two standard deviations."""
    rows: Rows = [("how", "truth", "law", *(f"{n} seeds" for n in SEEDS))]
    for how, method in (("a third chooses", by_choosing), ("all pairs (not used)", by_all_pairs)):
        for truth, behind in (("the options of a side tie", 0.0), ("one of B leads by 2", 2.0)):
            for name in ("normal", "exponential"):
                cells = (
                    "no interval"
                    if method is by_choosing and _few(n)
                    else _shares(power(method, LAWS[name], n, min(simulations, MOST), behind))
                    for n in SEEDS
                )
                rows.append((how, truth, name, *cells))
    for name in ("normal", "exponential"):
        cells = (_shares(power_of_band(LAWS[name], n, min(simulations, MOST))) for n in SEEDS)
        rows.append(("all choose, band", "one of four is better", name, *cells))
    return rows


def _few(seeds: int) -> bool:
    return len(split_seeds(range(seeds))[1]) < FEWEST


def _shares(one_and_two: tuple[float, float]) -> str:
    return " / ".join(percent(share, 0)[:-2] for share in one_and_two) + " %"


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
than that of the other, although both are equal; each may be 2.5 %. What all options of a seed
share drops out of their differences and changes nothing.
""",
    levels_of_choosing,
)
BANDS = Section(
    "A size that all seeds choose",
    """
The page shows every size, so its best size is chosen by all seeds, and the difference from the
largest is read at the same seeds. Its interval is the band, which holds for all sizes together:
the largest t over the sizes of each resample takes the place of one size's t, or the largest t of
normal values with the same correlations, whichever is farther. Whatever size is then looked at,
the band holds. The table has wrong "above" / wrong "below" at the lowest of four sizes that all
equal the fifth, in 400 simulations a cell.
""",
    levels_of_bands,
)
POWER = Section(
    "What these intervals find",
    """
The share of runs that find a true difference of one / of two standard deviations of a single
loss, in 400 simulations a cell. "A third chooses": all four options of A are worse than the best
of B, with which the others of B tie, or which leads them by two standard deviations. "All pairs"
is another way to pay for the choice: all seeds are read, and bounds hold for every pair of options
at once. It keeps its level too. Where options tie it finds up to twice as much, where one leads it
finds less, and five seeds find next to nothing. It is not used because learning rates have to be
chosen by seeds that are not read, and with the seeds that are left it finds no more. "All choose,
band": one size of four is better than the reference.
""",
    powers,
)

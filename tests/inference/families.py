"""How often a family of sizes has any p of 0.05 or less: wrongly, and rightly."""

from __future__ import annotations

import numpy as np

from caviar.analysis.statistics.multiplicity import holm
from caviar.analysis.statistics.sign_flip import family_two_sided, sign_flip
from tests.inference.laws import LAWS, Array, Law
from tests.inference.section import Rows, Section, percent

SHAPES = ((5, 7), (6, 6), (8, 7), (10, 7))
"""Seeds, and sizes against the largest: the default ghost-size study has 8 and 7."""


def contrasts(law: Law, nature: np.random.Generator, seeds: int, sizes: int) -> Array:
    """Sizes less the largest, `(seeds, sizes)`, all of one law."""
    noise = law(nature, (seeds, sizes + 1))
    return noise[:, :-1] - noise[:, -1:]


def skewed(law: Law, nature: np.random.Generator, seeds: int, sizes: int) -> Array:
    """The same where the largest has hardly any noise: differences are as skewed as the law."""
    noise = law(nature, (seeds, sizes + 1))
    return noise[:, :-1] - 0.1 * noise[:, -1:]


def by_max_t(values: Array) -> Array:
    """`p_family`."""
    return family_two_sided(values, np.random.default_rng(0))


def by_holm(values: Array) -> Array:
    """What stood there before: Holm's correction of sign flips."""
    return holm(
        np.array([sign_flip(column, np.random.default_rng(0)).p_value for column in values.T])
    )


def any_found(values: list[Array], p_of: object = by_max_t) -> float:
    """Share of families in which any p is at most 0.05."""
    return float(np.mean([np.nanmin(p_of(v)) <= 0.05 for v in values]))  # type: ignore[operator]


def families(
    law: Law, seeds: int, sizes: int, simulations: int, of: object = contrasts, shift: float = 0.0
) -> list[Array]:
    """Families of one truth: every size differs by `shift` standard deviations of a difference."""
    nature = np.random.default_rng([15, seeds])
    return [of(law, nature, seeds, sizes) + shift for _ in range(simulations)]  # type: ignore[operator]


def table(simulations: int) -> Rows:
    """Wrong findings by law, then right ones, by shape of the family."""
    rows = [("truth", "test", *(f"{n} seeds, {k} sizes" for n, k in SHAPES))]
    cases = [
        ("nothing differs, normal", "normal", contrasts, 0.0),
        ("nothing differs, exponential", "exponential", contrasts, 0.0),
        ("nothing differs, three values", "three values", contrasts, 0.0),
        ("nothing differs, skewed differences", "exponential", skewed, 0.0),
        ("all sizes differ by 3 standard deviations", "normal", contrasts, 3.0),
    ]
    for truth, law, of, shift in cases:
        for name, p_of in (("max-t", by_max_t), ("Holm, before", by_holm)):
            cells = [
                percent(any_found(families(LAWS[law], n, k, simulations, of, shift), p_of))
                for n, k in SHAPES
            ]
            rows.append((truth, name, *cells))
    return rows


FAMILIES = Section(
    "A family of sizes",
    """
`p_value` tests one size against the largest: if nothing differs, each seed's difference is as
likely to have the other sign, so the p is the share of all patterns of signs whose mean is as far
from zero. `p_family` asks the same of all sizes at once: the signs of a seed's differences are
turned together, and the size with the largest t is held against the largest t of each pattern,
the next against the largest of those left, and so on (step-down max-t). Below 14 seeds all
patterns are tried. If all n seeds agree, p_family is 2/2^n for any number of sizes: six seeds
reach 0.05 (2/64 = 0.031), five cannot (2/32 = 0.063), and `seeds_needed` then says 6. Each
quantity, reading of the draws and facet is a family of its own, and nothing is corrected across
families: three quantities under two readings are six families, so that 5 % holds for each and not
for the page.

The table has the share of families with any p_family of 0.05 or less. Where nothing differs it
may be 5 %. The test supposes differences that are symmetric about zero, as they are between sizes
with the same noise; where only one of the sizes is noisy and its noise is skewed, it errs more
often.
""",
    table,
)

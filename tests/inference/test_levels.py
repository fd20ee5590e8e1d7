"""A small version of the tables of docs/inference.md: levels, power and coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.statistics.multiplicity import simultaneous_bands
from tests.inference import families
from tests.inference.__main__ import PAGE, SECTIONS
from tests.inference.best import (
    WORLDS,
    Sides,
    against_one,
    by_band,
    by_choosing,
    level,
    power,
    power_of_band,
    tied,
)
from tests.inference.laws import LAWS, normal
from tests.inference.means import coverage, ends

SIMULATIONS = 400
MOST = 0.025 + 3 * math.sqrt(0.025 * 0.975 / SIMULATIONS)
"""2.5 % and three Monte Carlo errors: 4.8 %."""


@pytest.mark.parametrize("seeds", [8, 20])
@pytest.mark.parametrize("world", WORLDS)
def test_a_best_chosen_by_other_seeds_is_wrong_as_seldom_as_it_says(world: str, seeds: int) -> None:
    for name in ("normal", "exponential", "three values"):
        wrong = level(WORLDS[world], by_choosing, LAWS[name], seeds, SIMULATIONS)
        assert max(wrong) <= MOST, (name, wrong)


@pytest.mark.parametrize("seeds", [5, 8, 20])
def test_the_band_pays_for_a_size_that_all_seeds_choose(seeds: int) -> None:
    for name in ("normal", "exponential", "three values"):
        wrong = level(against_one, by_band, LAWS[name], seeds, SIMULATIONS)
        assert max(wrong) <= MOST, (name, wrong)


def test_what_a_best_and_a_band_find() -> None:
    assert power(normal, 20, 2.0, SIMULATIONS) > 0.8
    assert power_of_band(normal, 10, 2.0, SIMULATIONS) > 0.7


def test_five_seeds_cannot_choose_and_be_read() -> None:
    sides = tied(normal, np.random.default_rng(0), 5, 3)
    assert all(np.isnan(end).all() for end in by_choosing(sides, np.random.default_rng(0)))


def test_simulated_ends_are_those_of_the_product() -> None:
    """Resamples are drawn in another order: equal but for their randomness."""
    sample = np.random.default_rng(1).normal(size=(10, 1))
    low, high = ends(sample, np.random.default_rng(0))
    single = mean_interval(sample[:, 0], np.random.default_rng(0))
    width = single.high - single.low
    assert (low[0], high[0]) == pytest.approx((single.low, single.high), abs=width / 8)
    many = np.random.default_rng(2).normal(size=(10, 1, 4))
    band = simultaneous_bands(many[:, 0], np.random.default_rng(0))
    best = int(band.mean.argmin())
    low, high = by_band(Sides(many, np.zeros((10, 1, 1))), np.random.default_rng(0))
    assert (low[0], high[0]) == pytest.approx((band.low[best], band.high[best]), abs=0.01)


def test_means_are_covered_where_the_page_says_so() -> None:
    for name in ("normal", "exponential", "three values"):
        assert coverage(LAWS[name], 8, 1000) > 0.92


def test_a_family_errs_seldom_and_finds_what_all_seeds_show() -> None:
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / SIMULATIONS)
    for name in ("normal", "exponential", "three values"):
        null = families.families(LAWS[name], 8, 7, SIMULATIONS)
        assert families.any_found(null) <= most
    differ = families.families(normal, 8, 7, 50, shift=3.0)
    assert families.any_found(differ) > 0.8 > 0.2 > families.any_found(differ, families.by_holm)


def test_the_page_has_every_section() -> None:
    """`python -m tests.inference --write` after a section was added or reworded."""
    page = PAGE.read_text(encoding="utf-8")
    for section in SECTIONS:
        assert f"## {section.title}\n\n{section.text.strip()}\n" in page, section.title

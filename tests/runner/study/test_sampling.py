"""Points of a space: the same for every count, by seed, in blocks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from caviar.model.contract import Array
from caviar.runner.study.distributions import (
    Choice,
    Distribution,
    IntLog2Uniform,
    LogUniform,
    OneMinusLogUniform,
    Uniform,
)
from caviar.runner.study.sampling import SEQUENCES, Sampler, draw, points

SAMPLERS: tuple[Sampler, ...] = ("random", "sobol", "halton")

SQUARE: dict[str, Distribution] = {"a": Uniform(0.0, 1.0), "b": Uniform(0.0, 1.0)}


def array(space: dict[str, Distribution], count: int, sampler: Sampler, seed: int) -> Array:
    return np.array([list(p.values()) for p in draw(space, count, sampler, seed)])


@pytest.mark.parametrize("sampler", SAMPLERS)
@settings(deadline=None, max_examples=25)
@given(k=st.integers(1, 30), more=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_the_first_points_are_the_same_for_every_count(
    sampler: Sampler, k: int, more: int, seed: int
) -> None:
    assert draw(SQUARE, k, sampler, seed) == draw(SQUARE, k + more, sampler, seed)[:k]


def test_a_new_field_leaves_the_random_values_of_the_others_alone() -> None:
    alone = draw({"b": LogUniform(0.1, 1.0)}, 20, "random", 3)
    for company in ({"a": Uniform(0, 1)}, {"z": Choice((1, 2))}):
        both = draw({**company, "b": LogUniform(0.1, 1.0)}, 20, "random", 3)
        assert [p["b"] for p in both] == [p["b"] for p in alone]


def test_fields_are_drawn_independently() -> None:
    a, b = array(SQUARE, 4096, "random", 5).T
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / math.sqrt(4096)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_points_follow_the_seed(sampler: Sampler) -> None:
    first, again, other = (draw(SQUARE, 16, sampler, seed) for seed in (7, 7, 8))
    assert first == again
    assert all(p != q for p, q in zip(first, other, strict=True))


@pytest.mark.parametrize("sampler", ["sobol", "halton"])
def test_sequences_cover_the_square_better_than_chance(sampler: Sampler) -> None:
    by_chance = [stats.qmc.discrepancy(array(SQUARE, 64, "random", seed)) for seed in range(30)]
    covered = [stats.qmc.discrepancy(array(SQUARE, 64, sampler, seed)) for seed in range(10)]
    assert max(covered) < min(by_chance)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_space_without_fields_has_empty_points(sampler: Sampler) -> None:
    assert draw({}, 3, sampler, 0) == [{}, {}, {}]


def test_values_are_plain_numbers() -> None:
    space: dict[str, Distribution] = {
        "u": Uniform(0, 1),
        "l": LogUniform(0.1, 1),
        "m": OneMinusLogUniform(0.5, 0.9),
        "i": IntLog2Uniform(2, 8),
    }
    for sampler in SAMPLERS:
        (point,) = draw(space, 1, sampler, 0)
        assert [type(value) for value in point.values()] == [float, float, float, int]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_points_in_blocks_are_the_points_at_once(sampler: Sampler) -> None:
    drawn = draw(SQUARE, 2500, sampler, 3)
    assert drawn == list(itertools.islice(points(SQUARE, sampler, 3), 2500))
    if sampler != "random":
        at_once = SEQUENCES[sampler](2, 3)(0, 2500)
        assert [list(point.values()) for point in drawn] == at_once.tolist()

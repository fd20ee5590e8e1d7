"""Distributions, and how points are drawn from them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
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
    parse_distribution,
)
from caviar.runner.study.sampling import Sampler, draw


def column(distribution: Distribution, count: int = 4096, seed: int = 1) -> list[Any]:
    return [point["x"] for point in draw({"x": distribution}, count, "random", seed)]


def array(space: dict[str, Distribution], count: int, sampler: Sampler, seed: int) -> Array:
    return np.array([list(p.values()) for p in draw(space, count, sampler, seed)])


@pytest.mark.parametrize(
    ("scale", "low", "high", "message"),
    [
        ("uniform", 1.0, 1.0, "low must be below high; given low 1 and high 1"),
        ("uniform", 0.0, math.inf, "must be finite"),
        ("uniform", math.nan, 1.0, "must be finite"),
        ("log_uniform", 2.0, 1.0, "low must be below high"),
        ("log_uniform", 0.0, 1.0, "a log scale cannot pass through zero: low is 0"),
        ("log_uniform", -1.0, 1.0, "a log scale cannot pass through zero: low is -1"),
        ("one_minus_log_uniform", 0.9, 1.0, "stays below 1: high is 1"),
        ("one_minus_log_uniform", 0.9, 0.5, "low must be below high"),
        ("int_log2_uniform", 8, 4, "low must be below high"),
        ("int_log2_uniform", 3, 8, "must be powers of two; given 3"),
        ("int_log2_uniform", 2, 9, "must be powers of two; given 9"),
        ("int_log2_uniform", 0, 8, "must be powers of two; given 0"),
        ("int_log2_uniform", 2.0, 8, "must be powers of two; given 2.0"),
    ],
)
def test_wrong_bounds_are_refused_at_construction(
    scale: str, low: float, high: float, message: str
) -> None:
    scales: dict[str, Any] = {
        "uniform": Uniform,
        "log_uniform": LogUniform,
        "one_minus_log_uniform": OneMinusLogUniform,
        "int_log2_uniform": IntLog2Uniform,
    }
    with pytest.raises(ValueError, match=message):
        scales[scale](low, high)


def test_an_empty_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="values is empty"):
        Choice(())


def test_a_table_becomes_its_distribution() -> None:
    ranges: dict[str, tuple[float, float]] = {
        "uniform": (0.0, 1.0),
        "log_uniform": (0.1, 1.0),
        "one_minus_log_uniform": (0.5, 0.9),
        "int_log2_uniform": (4, 64),
    }
    kinds: tuple[Any, ...] = (Uniform, LogUniform, OneMinusLogUniform, IntLog2Uniform)
    for (scale, (low, high)), kind in zip(ranges.items(), kinds, strict=True):
        distribution = parse_distribution("f", {"scale": scale, "low": low, "high": high})
        assert distribution == kind(low, high)
    lists = parse_distribution("f", {"scale": "choice", "values": [[8, 8], [4]]})
    assert lists == Choice(((8, 8), (4,)))


def test_log_uniform_is_uniform_in_the_exponent() -> None:
    exponents = np.log10(column(LogUniform(1e-4, 10.0)))
    assert stats.kstest(exponents, stats.uniform(-4, 5).cdf).pvalue > 0.001


def test_one_minus_log_uniform_is_uniform_in_the_exponent_of_the_gap() -> None:
    gaps = np.log10(1 - np.array(column(OneMinusLogUniform(0.9, 0.9999))))
    assert stats.kstest(gaps, stats.uniform(-4, 3).cdf).pvalue > 0.001


def test_uniform_is_uniform() -> None:
    assert stats.kstest(column(Uniform(-2.0, 5.0)), stats.uniform(-2, 7).cdf).pvalue > 0.001


def test_every_power_of_two_comes_alike() -> None:
    values, counts = np.unique(column(IntLog2Uniform(4, 256)), return_counts=True)
    assert values.tolist() == [4, 8, 16, 32, 64, 128, 256]
    assert stats.chisquare(counts).pvalue > 0.001


def test_every_choice_comes_alike() -> None:
    values, counts = np.unique(column(Choice(("p", "q", "r"))), return_counts=True)
    assert values.tolist() == ["p", "q", "r"]
    assert stats.chisquare(counts).pvalue > 0.001


units = st.floats(0, 1, exclude_max=True) | st.just(math.nextafter(1, 0))


@given(u=units, low=st.floats(1e-30, 1e30), factor=st.floats(1.001, 1e9))
def test_log_uniform_stays_within_its_bounds(u: float, low: float, factor: float) -> None:
    assert low <= LogUniform(low, low * factor).at(u) <= low * factor


@given(u=units, low=st.floats(-5, 0.99), share=st.floats(0.01, 0.99))
def test_one_minus_log_uniform_stays_within_its_bounds(u: float, low: float, share: float) -> None:
    high = low + share * (1 - low)
    assert low <= OneMinusLogUniform(low, high).at(u) <= high


@given(u=units, low=st.floats(-1e9, 1e9), width=st.floats(1e-3, 1e9))
def test_uniform_stays_within_its_bounds(u: float, low: float, width: float) -> None:
    assert low <= Uniform(low, low + width).at(u) <= low + width


@given(u=units, low=st.integers(0, 20), more=st.integers(1, 20))
def test_powers_of_two_stay_within_their_bounds(u: float, low: int, more: int) -> None:
    value = IntLog2Uniform(2**low, 2 ** (low + more)).at(u)
    assert isinstance(value, int) and 2**low <= value <= 2 ** (low + more)
    assert value & (value - 1) == 0


@given(u=units, count=st.integers(1, 50))
def test_a_choice_is_one_of_the_values(u: float, count: int) -> None:
    assert Choice(tuple(range(count))).at(u) in range(count)


@pytest.mark.parametrize(
    "distribution",
    [Uniform(-1, 2), LogUniform(0.01, 1), OneMinusLogUniform(0.5, 0.99), IntLog2Uniform(2, 64)],
)
def test_the_ends_of_the_unit_interval_are_the_ends_of_the_range(distribution: Any) -> None:
    assert distribution.at(0.0) == pytest.approx(distribution.low, rel=1e-12)
    assert distribution.at(math.nextafter(1, 0)) == pytest.approx(distribution.high, rel=1e-12)

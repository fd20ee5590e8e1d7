"""Closed forms of running averages against the recursion itself and against every order."""

from __future__ import annotations

import math
from itertools import pairwise, permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from caviar.analysis.theory.running_mean import (
    Keep,
    best_memory,
    decay_at_another_batch,
    decay_of_time_constant,
    drift_of_best_memory,
    lag,
    linear_variance,
    mean_sum_of_squared_epochs,
    steps_to_forget,
    sum_of_squared_epochs,
    sum_of_squares,
    weight_of_start,
)

Array = np.ndarray[Any, Any]

KEEPS: tuple[Keep, ...] = ("constant", "debiased", "cumulative", "time_constant")
DECAYS = (0.0, 0.3, 0.9, 0.99)


def old_weight(keep: Keep, decay: float, t: int) -> float:
    """What update t leaves to the old value, from the words of each rule."""
    if keep == "cumulative":
        return (t - 1) / t
    if keep == "time_constant":
        return 0.0 if t == 1 else decay
    if keep == "debiased":
        total = sum(decay**i for i in range(t))
        return (total - 1) / total
    return decay


def weights(keep: Keep, decay: float, steps: int) -> tuple[float, Array]:
    """Weight of the start, and of every batch, oldest first: the recursion itself."""
    start, batches = 1.0, np.zeros(0)
    for t in range(1, steps + 1):
        old = old_weight(keep, decay, t)
        start, batches = start * old, np.append(batches * old, 1 - old)
    return start, batches


def epoch_sums(batches: Array, per_epoch: int) -> Array:
    """The weight of every epoch, oldest first."""
    return np.array([batches[i : i + per_epoch].sum() for i in range(0, len(batches), per_epoch)])


EVERY_AVERAGE = list(product(KEEPS, DECAYS))
LENGTHS = (1, 2, 7, 40)


def test_sums_over_the_weights() -> None:
    for (keep, decay), steps in product(EVERY_AVERAGE, LENGTHS):
        start, batches = weights(keep, decay, steps)
        place = keep, decay, steps
        assert weight_of_start(*place) == pytest.approx(start, abs=1e-15), place
        assert sum_of_squares(*place) == pytest.approx(batches @ batches, rel=1e-11), place
        assert start + batches.sum() == pytest.approx(1), place


def test_lag_is_the_weighted_age() -> None:
    """Of the batches alone: the value that the average has of a drift that began with them."""
    for (keep, decay), steps in product(EVERY_AVERAGE, LENGTHS):
        _, batches = weights(keep, decay, steps)
        age = np.arange(steps)[::-1] @ batches / batches.sum()
        place = keep, decay, steps
        assert lag(*place) == pytest.approx(age, rel=1e-9, abs=1e-9), place


def test_sum_of_squared_epochs() -> None:
    lengths = [(1, 5), (4, 3), (4, 4), (4, 5), (4, 12), (3, 41)]
    for (keep, decay), (per_epoch, steps) in product(EVERY_AVERAGE, lengths):
        _, batches = weights(keep, decay, steps)
        whole, phase = (steps - 1) // per_epoch, (steps - 1) % per_epoch + 1
        place = keep, decay, per_epoch, phase, whole
        expected = (epoch_sums(batches, per_epoch) ** 2).sum()
        assert sum_of_squared_epochs(*place) == pytest.approx(expected, rel=1e-10, abs=1e-14), place


@pytest.mark.parametrize(("keep", "decay"), EVERY_AVERAGE)
def test_the_long_run_is_the_limit(keep: Keep, decay: float) -> None:
    """The mean of all batches goes to 0 only as 1 / t; the others are there after 4,000 steps."""
    per_epoch, whole = 5, 800
    for phase in (1, 3, 5):
        steps = phase + per_epoch * whole
        close = 1.1 / whole if keep == "cumulative" else 1e-12
        endless = sum_of_squared_epochs(keep, decay, per_epoch, phase, math.inf)
        now = sum_of_squared_epochs(keep, decay, per_epoch, phase, whole)
        assert endless == pytest.approx(now, abs=close)
        assert sum_of_squares(keep, decay, math.inf) == pytest.approx(
            sum_of_squares(keep, decay, steps), abs=close
        )
    if keep != "cumulative":
        assert lag(keep, decay, math.inf) == pytest.approx(decay / (1 - decay))
        assert lag(keep, decay, math.inf) == pytest.approx(lag(keep, decay, 4000), rel=1e-9)
    assert weight_of_start(keep, decay, math.inf) == 0


def test_the_mean_over_phases() -> None:
    for (keep, decay), per_epoch in product(EVERY_AVERAGE, (1, 2, 9)):
        phases = range(1, per_epoch + 1)
        each = [sum_of_squared_epochs(keep, decay, per_epoch, j, math.inf) for j in phases]
        weight = mean_sum_of_squared_epochs(keep, decay, per_epoch)
        place = keep, decay, per_epoch
        assert weight == pytest.approx(np.mean(each), rel=1e-12, abs=1e-15), place


@given(decay=st.floats(0, 0.999), share=st.floats(1e-6, 0.5))
def test_steps_to_forget_is_the_first_that_does(decay: float, share: float) -> None:
    steps = steps_to_forget("constant", decay, share)
    assert decay**steps < share * (1 + 1e-12)
    assert decay ** (steps - 1) >= share * (1 - 1e-12)


def test_rules_that_replace_the_start_forget_it_at_once() -> None:
    assert [steps_to_forget(keep, 0.9, 0.01) for keep in KEEPS] == [44, 0, 0, 0]
    assert steps_to_forget("constant", 0.99, 0.01) == 459


def test_a_time_constant_is_a_decay_per_update() -> None:
    decay = decay_of_time_constant(100, 5)
    assert decay**20 == pytest.approx(1 / math.e)


def variance_over_every_order(population: Array, m: int, batches: Array) -> float:
    """Of the weighted mean of batches in shuffled epochs, over all orders of every epoch."""
    per_epoch = len(population) // m
    orders = np.array(list(permutations(population)))[:, : per_epoch * m]
    means = orders.reshape(len(orders), per_epoch, m).mean(axis=2)
    total = 0.0
    # Epochs are independent of each other, so their variances add.
    for first in range(0, len(batches), per_epoch):
        of_epoch = batches[first : first + per_epoch]
        total += float((means[:, : len(of_epoch)] @ of_epoch).var())
    return total / float(population.var())


@pytest.mark.parametrize(("n", "m", "steps"), [(6, 2, 8), (6, 3, 6), (5, 2, 7), (4, 4, 3)])
def test_variance_over_shuffled_epochs(n: int, m: int, steps: int) -> None:
    """Every order of every epoch; 5 by 2 drops the last example of each epoch."""
    population = np.array([0.0, 0.3, 1.0, 7.0, 4.0, 9.0])[:n]
    per_epoch = n // m
    phase, whole = (steps - 1) % per_epoch + 1, (steps - 1) // per_epoch
    for keep, decay in EVERY_AVERAGE:
        _, batches = weights(keep, decay, steps)
        squares = sum_of_squares(keep, decay, steps)
        epochs = sum_of_squared_epochs(keep, decay, per_epoch, phase, whole)
        expected = variance_over_every_order(population, m, batches)
        variance = linear_variance(squares, epochs, m, n)
        assert variance == pytest.approx(expected, rel=1e-9, abs=1e-14), (keep, decay)


def test_shuffling_matters_as_much_as_recorded() -> None:
    """Ratio to independent batches at an epoch's end, N = 1440, as recorded from digits."""
    for m, decay, ratio in ((144, 0.9, 0.082), (144, 0.99, 0.001), (16, 0.9, 0.79)):
        squares, per_epoch = (1 - decay) / (1 + decay), 1440 // m
        epochs = sum_of_squared_epochs("constant", decay, per_epoch, per_epoch, math.inf)
        shrinkage = linear_variance(squares, epochs, m, 1440) / (squares / m)
        assert shrinkage == pytest.approx(ratio, abs=0.005 if ratio > 0.01 else 0.0005)


def test_independent_batches_are_an_infinite_population() -> None:
    assert linear_variance(0.2, 0.7, 16, math.inf) == 0.2 / 16
    assert linear_variance(0.2, 0.7, 16, 1e12) == pytest.approx(0.2 / 16)


def test_a_whole_pass_with_equal_weights_is_exact_whatever_the_rounding() -> None:
    for per_epoch in range(1, 40):
        squares = sum_of_squares("cumulative", 0.0, per_epoch)
        epochs = sum_of_squared_epochs("cumulative", 0.0, per_epoch, per_epoch, 0)
        shrinkage = linear_variance(squares, epochs, 3, 3 * per_epoch)
        assert 0 <= shrinkage < 1e-15


def squared_error(decay: float, m: float, drift: float) -> float:
    """Exact noise and lag of the average."""
    return (1 - decay) / (1 + decay) / m + (drift * decay / (1 - decay)) ** 2


@pytest.mark.parametrize("m", [4, 64])
@pytest.mark.parametrize("drift", [0.5, 0.05, 1e-3, 1e-5])
def test_the_best_memory_minimises_the_exact_error(m: int, drift: float) -> None:
    """For short memories too, where the cube root is far off."""
    minimum = optimize.minimize_scalar(
        lambda log_memory: squared_error(1 - math.exp(-log_memory), m, drift),
        bounds=(0, 14),
        method="bounded",
        options={"xatol": 1e-9},
    )
    memory = best_memory(m, drift)
    assert memory == pytest.approx(math.exp(minimum.x), rel=1e-4)
    assert drift_of_best_memory(m, memory) == pytest.approx(drift, rel=1e-6)


def test_the_best_decay_at_another_batch() -> None:
    """0.5 at one batch is 0.424 at twice; the cube root says 0.37, d^2 0.25 at twice the drift."""
    for decay, times, drift_times, told in ((0.5, 2, 1, 0.424), (0.9, 2, 1, 0.8762)):
        drift = drift_of_best_memory(1, 1 / (1 - decay)) * drift_times
        other = decay_at_another_batch(decay, times, drift_times)
        assert other == pytest.approx(told, abs=5e-4)
        around = [squared_error(other + step, times, drift) for step in (-1e-3, 0, 1e-3)]
        assert around[1] < min(around[0], around[2])
    assert decay_at_another_batch(0.9, 1) == pytest.approx(0.9)
    assert decay_at_another_batch(0, 2) == 0
    assert decay_at_another_batch(0.999, 2, 2) == pytest.approx(0.999**2, rel=1e-5)


def test_a_longer_memory_falls_with_the_batch_as_its_cube_root() -> None:
    memories = [best_memory(m, 1e-6) for m in (1, 8, 64)]
    assert [a / b for a, b in pairwise(memories)] == pytest.approx([2, 2], rel=1e-3)

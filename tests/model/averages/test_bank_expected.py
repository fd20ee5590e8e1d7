"""What running averages would be without sampling noise: expected updates, and their average."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from caviar.model.averages.bank import (
    GHOST_UPDATES,
    Averaged,
    BankState,
    GhostUpdate,
    Propagated,
    RunningStatistics,
)
from caviar.model.averages.conventions import CONVENTIONS, HELD_IN, Tracker, trackers
from caviar.model.averages.frameworks import ALL
from caviar.model.contract import Array, Moments
from caviar.model.norms.standardise import batch_moments
from tests.model.helpers import initial, normal, small_mlp

NETWORK = small_mlp()
PARAMETERS = initial(NETWORK, 4, (0, 1))
SIZES = {"norm1": 6, "norm2": 5}
ROWS = tuple((CONVENTIONS | ALL).values())
TRACKERS = trackers(ROWS, (0.5, 0.9))
EPSILON = 0.01
M = 4


def _batches(count: int, ghosts: int, seed: int = 0) -> dict[str, Array]:
    """Pre-activations of many batches, `(2, count, ghosts x 4, features)`."""
    return {
        k: 2 * normal(seed + n, 2, count, ghosts * M, n) + normal(seed + 7, n)
        for k, n in SIZES.items()
    }


def _propagated(batches: dict[str, Array], ghosts: int) -> Propagated:
    moments = {}
    for name, x in batches.items():
        groups = x.reshape(2, -1, M, x.shape[-1])
        moments[name] = Moments(groups.mean(axis=2), groups.var(axis=2))
    return Propagated(moments, M, ghosts)


def _stored_alone(tracker: Tracker, rule: GhostUpdate, ghosts: Array) -> list[tuple[Array, Array]]:
    """What single updates with a step's `ghosts`, `(2, ghosts, 4, features)`, put into averages.

    At decay 0 the first update replaces the average, which then shows what was put in.
    """
    bank = RunningStatistics((Tracker(tracker.convention, 0.0),), rule, EPSILON)
    stored = []
    flat = ghosts.reshape(2, -1, ghosts.shape[-1])
    # One update at a time; a sequential update takes one ghost.
    pieces = np.split(flat, ghosts.shape[1], axis=1) if rule == "sequential" else [flat]
    for piece in pieces:
        start = BankState(0, {"norm": Averaged(np.zeros((1, 2, 1)), np.zeros((1, 2, 1)))})
        after = bank.update(start, {"norm": batch_moments(piece, M)}, M).averages["norm"]
        stored.append((after.mean[0], after.second[0]))
    return stored


def test_all_the_rows_are_looked_at() -> None:
    assert len(ROWS) >= 17 and len(TRACKERS) >= 17
    assert {t.convention.name for t in TRACKERS} == {row.name for row in ROWS}


@pytest.mark.parametrize("ghosts", [1, 3])
@pytest.mark.parametrize("rule", GHOST_UPDATES)
def test_expected_is_the_mean_of_what_single_updates_store(rule: GhostUpdate, ghosts: int) -> None:
    """The mean over all batches and, where any ghost might come first, over all ghosts."""
    batches = _batches(5, ghosts)
    bank = RunningStatistics(TRACKERS, rule, EPSILON)
    expected = bank.expect(_propagated(batches, ghosts))
    for layer, (t, tracker) in product(SIZES, enumerate(TRACKERS)):
        x = batches[layer].reshape(2, 5, ghosts, M, -1)
        turns = range(ghosts) if rule == "first" else (0,)
        stored = [
            pair
            for b, turn in product(range(5), turns)
            for pair in _stored_alone(tracker, rule, np.roll(x[:, b], -turn, axis=1))
        ]
        for mean, values in zip(expected[layer], zip(*stored, strict=True), strict=True):
            assert mean.shape == (len(TRACKERS), 2, SIZES[layer])
            np.testing.assert_allclose(mean[t], np.mean(values, axis=0), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", GHOST_UPDATES)
def test_an_expected_inverse_deviation_is_not_that_of_the_expected_variance(
    rule: GhostUpdate,
) -> None:
    """The order of averaging and storing matters, which only a nonlinear rule shows."""
    lasagne = next(t for t in TRACKERS if t.convention.second == "inverse_deviation")
    batches = _batches(5, 3)
    expected = RunningStatistics((lasagne,), rule, EPSILON).expect(_propagated(batches, 3))
    x = batches["norm1"].reshape(2, 5, 3, M, -1)
    variance = x.var(axis=3).mean(axis=2)
    if rule in ("first", "sequential"):
        inverse = (1 / np.sqrt(x.var(axis=3) + EPSILON)).mean(axis=(1, 2))
    elif rule == "average":
        inverse = (1 / np.sqrt(variance + EPSILON)).mean(axis=1)
    else:
        inverse = (1 / np.sqrt(batches["norm1"].var(axis=2) + EPSILON)).mean(axis=1)
    np.testing.assert_allclose(expected["norm1"].second[0], inverse, rtol=1e-12)


@pytest.mark.parametrize("rule", GHOST_UPDATES)
def test_the_shadow_is_the_recursion_of_its_rule_over_expected_updates(rule: GhostUpdate) -> None:
    """By hand for every tracker: r <- keep r + (1 - keep) e, once per step or once per ghost."""
    bank, steps, ghosts = RunningStatistics(TRACKERS, rule, EPSILON), 4, 3
    epochs = [_propagated(_batches(5, ghosts, seed), ghosts) for seed in range(steps)]
    state = bank.init(NETWORK, PARAMETERS)
    for one in epochs:
        before = {k: Averaged(*(a.copy() for a in m)) for k, m in state.averages.items()}
        after = bank.follow(state, one)
        for k, m in before.items():
            np.testing.assert_array_equal(state.averages[k].mean, m.mean)
        state = after
    folds = ghosts if rule == "sequential" else 1
    assert state.updates == steps * folds
    examples = M * ghosts if rule == "total" else M
    for layer, (t, tracker) in product(SIZES, enumerate(TRACKERS)):
        row = tracker.convention
        mean = np.full((2, SIZES[layer]), row.initial_mean)
        second = np.full((2, SIZES[layer]), row.initial_second)
        for step, fold in product(range(steps), range(folds)):
            expected = bank.expect(epochs[step])[layer]
            update = step * folds + fold + 1
            keep_mean, keep_second = _keeps(tracker, update, examples)
            mean = keep_mean * mean + (1 - keep_mean) * expected.mean[t]
            second = keep_second * second + (1 - keep_second) * expected.second[t]
        average = state.averages[layer]
        np.testing.assert_allclose(average.mean[t], mean, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(average.second[t], second, rtol=1e-11)


def _keeps(tracker: Tracker, update: int, examples: int) -> tuple[float, float]:
    """Weights of the old mean and the old second statistic, written out."""
    row = tracker.convention
    decay = HELD_IN[row.held_in][0](tracker.decay)
    weights: dict[str, Callable[[], float]] = {
        "constant": lambda: decay,
        "debiased": lambda: 1 - (1 - decay) / (1 - decay**update),
        "cumulative": lambda: 1 - 1 / update,
        "time_constant": lambda: math.exp(-examples / decay) if update > 1 else 0.0,
    }
    return weights[row.mean_keep or row.keep](), weights[row.keep]()


@pytest.mark.parametrize("rule", GHOST_UPDATES)
def test_where_every_batch_is_the_same_the_shadow_is_the_average(rule: GhostUpdate) -> None:
    """Without noise both are the same: all ghosts of all batches are equal."""
    bank = RunningStatistics(TRACKERS, rule, EPSILON)
    average = shadow = bank.init(NETWORK, PARAMETERS)
    for seed in range(3):
        one = {k: np.tile(x[:, :, :M], (1, 4, 3, 1)) for k, x in _batches(1, 1, seed).items()}
        batch = {k: batch_moments(x[:, 0], M) for k, x in one.items()}
        average = bank.update(average, batch, M)
        shadow = bank.follow(shadow, _propagated(one, 3))
    assert average.updates == shadow.updates
    for layer in SIZES:
        for value, other in zip(average.averages[layer], shadow.averages[layer], strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-12, atol=1e-13)


def test_expecting_nothing_of_no_trackers() -> None:
    expected = RunningStatistics((), "first", EPSILON).expect(_propagated(_batches(2, 3), 3))
    assert {k: m.mean.shape for k, m in expected.items()} == {
        "norm1": (0, 2, 6),
        "norm2": (0, 2, 5),
    }

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from caviar.model.averages.bank import (
    GHOST_UPDATES,
    Averaged,
    BankState,
    GhostUpdate,
    RunningStatistics,
    Steps,
    frozen,
)
from caviar.model.averages.conventions import CONVENTIONS, Tracker
from caviar.model.contract import Array, Moments
from caviar.model.norms.standardise import batch_moments
from caviar.model.records import Curve
from caviar.model.steps.optimizers import Momentum
from tests.model.helpers import (
    ALL_TRACKERS,
    initial,
    normal,
    records_of,
    small_mlp,
    small_splits,
    small_training,
)

NETWORK = small_mlp()
PARAMETERS = initial(NETWORK, 4, (0, 1))
SIZES = {"norm1": 6, "norm2": 5}
ROWS = list(product(CONVENTIONS, (0.5, 0.9, 0.99)))


def _batches(count: int, ghosts: int = 1, m: int = 4) -> list[dict[str, Array]]:
    """Pre-activations of `count` steps by layer, `(2, ghosts * m, features)`, with a drift."""
    return [
        {k: normal(31 * t + n, 2, ghosts * m, n) * (2 + t / 50) + t / 9 for k, n in SIZES.items()}
        for t in range(count)
    ]


def _watch(bank: RunningStatistics, steps: list[dict[str, Array]], m: int = 4) -> BankState:
    state = bank.init(NETWORK, PARAMETERS)
    for batch in steps:
        state = bank.update(state, {k: batch_moments(x, m) for k, x in batch.items()}, m)
    return state


def test_many_steps_at_once_are_those_one_by_one() -> None:
    """Of every rule, in two pieces, so that old values enter; a mean is over `m` values."""
    bank, m = RunningStatistics(ALL_TRACKERS, epsilon=1e-3), 4
    steps = _batches(7, m=m)
    moments = [{k: batch_moments(x, m) for k, x in batch.items()} for batch in steps]
    at_once = bank.init(NETWORK, PARAMETERS)
    for piece in (moments[:3], moments[3:]):
        whole = {
            k: Moments(
                *(
                    np.concatenate(parts, axis=1)
                    for parts in zip(*(b[k] for b in piece), strict=True)
                )
            )
            for k in SIZES
        }
        at_once = bank.fold_steps(at_once, {k: Steps(of, m, m) for k, of in whole.items()})
    one_by_one = bank.init(NETWORK, PARAMETERS)
    for batch in moments:
        one_by_one = bank.update(one_by_one, batch, m)
    assert at_once.updates == one_by_one.updates == 7
    for k in SIZES:
        for a, b in zip(at_once.averages[k], one_by_one.averages[k], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def _closed_form(name: str, decay: float, values: Array, start: float) -> Array:
    """The average of `values`, `(updates, ...)`, without a recursion."""
    t = len(values)
    if name == "cumulative":
        return np.asarray(values.mean(axis=0))
    weights = (1 - decay) * decay ** np.arange(t - 1, -1, -1)
    average = np.tensordot(weights, values, axes=1)
    if name == "debiased":
        return np.asarray(average / (1 - decay**t))
    return np.asarray(average + decay**t * start)


@pytest.mark.parametrize("updates", [1, 3, 100])
@pytest.mark.parametrize(("name", "decay"), ROWS)
def test_closed_form(name: str, decay: float, updates: int) -> None:
    steps = _batches(updates)
    state = _watch(RunningStatistics((Tracker(CONVENTIONS[name], decay),)), steps)
    assert state.updates == updates
    for layer in SIZES:
        x = np.stack([batch[layer] for batch in steps])
        variance = x.var(axis=2, ddof=0 if name == "biased" else 1)
        mean, spread = state.averages[layer]
        expected = _closed_form(name, decay, x.mean(axis=2), 0.0)
        np.testing.assert_allclose(mean[0], expected, rtol=1e-11, atol=1e-12)
        expected = _closed_form(name, decay, variance, 1.0)
        np.testing.assert_allclose(spread[0], expected, rtol=1e-11)


def test_averages_start_as_their_convention_says() -> None:
    state = RunningStatistics(ALL_TRACKERS).init(NETWORK, PARAMETERS)
    assert state.updates == 0 and list(state.averages) == ["norm1", "norm2"]
    for layer, features in SIZES.items():
        mean, variance = state.averages[layer]
        assert mean.shape == variance.shape == (len(ALL_TRACKERS), 2, features)
        np.testing.assert_array_equal(mean, 0)
        for row, tracker in zip(variance, ALL_TRACKERS, strict=True):
            np.testing.assert_array_equal(row, tracker.convention.keep == "constant")


@pytest.mark.parametrize("ghost_update", GHOST_UPDATES)
def test_a_bank_is_its_trackers_alone(ghost_update: GhostUpdate) -> None:
    steps = _batches(12, ghosts=3)
    together = _watch(RunningStatistics(ALL_TRACKERS, ghost_update), steps)
    for i, tracker in enumerate(ALL_TRACKERS):
        alone = _watch(RunningStatistics((tracker,), ghost_update), steps)
        assert alone.updates == together.updates
        for layer in SIZES:
            for single, whole in zip(alone.averages[layer], together.averages[layer], strict=True):
                np.testing.assert_array_equal(single[0], whole[i])


def test_updates_leave_the_old_state_alone() -> None:
    bank, steps = RunningStatistics(ALL_TRACKERS), _batches(2)
    state = _watch(bank, steps[:1])
    before = {k: Averaged(*(a.copy() for a in m)) for k, m in state.averages.items()}
    bank.update(state, {k: batch_moments(x, 4) for k, x in steps[1].items()}, 4)
    assert state.updates == 1
    for layer, moments in before.items():
        for now, then in zip(state.averages[layer], moments, strict=True):
            np.testing.assert_array_equal(now, then)


def _as_plain_batches(ghost_update: GhostUpdate, x: Array, m: int) -> list[tuple[Array, Array]]:
    """Mean and unbiased variance of every update that a step of ghosts stands for."""
    ghosts = [x[:, start : start + m] for start in range(0, x.shape[1], m)]
    each = [(g.mean(axis=1), g.var(axis=1, ddof=1)) for g in ghosts]
    if ghost_update == "first":
        return each[:1]
    if ghost_update == "sequential":
        return each
    if ghost_update == "average":
        return [(sum(a for a, _ in each) / len(each), sum(v for _, v in each) / len(each))]
    return [(x.mean(axis=1), x.var(axis=1, ddof=1))]


@pytest.mark.parametrize("name", ["unbiased", "debiased", "cumulative"])
@pytest.mark.parametrize("ghost_update", GHOST_UPDATES)
def test_ghost_updates(ghost_update: GhostUpdate, name: str) -> None:
    steps = _batches(5, ghosts=3)
    bank = RunningStatistics((Tracker(CONVENTIONS[name], 0.8),), ghost_update)
    state = _watch(bank, steps)
    for layer in SIZES:
        updates = [
            pair for batch in steps for pair in _as_plain_batches(ghost_update, batch[layer], 4)
        ]
        assert state.updates == len(updates) == (15 if ghost_update == "sequential" else 5)
        means, variances = (np.stack(part) for part in zip(*updates, strict=True))
        mean, variance = state.averages[layer]
        expected = _closed_form(name, 0.8, means, 0.0)
        np.testing.assert_allclose(mean[0], expected, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(variance[0], _closed_form(name, 0.8, variances, 1.0), rtol=1e-11)


@pytest.mark.parametrize("ghosts", [1, 2, 5])
def test_total_is_the_whole_batch(ghosts: int) -> None:
    """The law of total variance: mean variance within ghosts plus variance of their means."""
    x = normal(0, 3, 4 * ghosts, 6) * 2 + normal(1, 3, 1, 6)
    (update,) = GHOST_UPDATES["total"](batch_moments(x, 4), 4)
    assert update.examples == 4 * ghosts
    np.testing.assert_allclose(update.mean, x.mean(axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(update.variance, x.var(axis=1), rtol=1e-12)


def test_the_examples_behind_an_update() -> None:
    moments = batch_moments(normal(0, 2, 12, 6), 4)
    behind = {
        name: [update.examples for update in reduce(moments, 4)]
        for name, reduce in GHOST_UPDATES.items()
    }
    assert behind == {"first": [4], "sequential": [4, 4, 4], "average": [4], "total": [12]}


def test_the_first_ghost_counts_unless_told() -> None:
    assert RunningStatistics(ALL_TRACKERS).ghost_update == "first"


def test_one_ghost_is_the_same_whatever_the_rule() -> None:
    steps = _batches(4)
    states = [_watch(RunningStatistics(ALL_TRACKERS, rule), steps) for rule in GHOST_UPDATES]
    for state, layer in product(states[1:], SIZES):
        for average, first in zip(state.averages[layer], states[0].averages[layer], strict=True):
            np.testing.assert_allclose(average, first, rtol=1e-13, atol=1e-14)


def test_single_precision_batches_are_averaged_in_double() -> None:
    steps = [{k: x.astype(np.float32) for k, x in b.items()} for b in _batches(100)]
    state = _watch(RunningStatistics(ALL_TRACKERS), steps)
    for i, tracker in enumerate(ALL_TRACKERS):
        name, decay = tracker.convention.name, tracker.decay
        for layer in SIZES:
            moments = [batch_moments(batch[layer], 4) for batch in steps]
            assert moments[0].mean.dtype == np.float32
            means = np.stack([m.mean[:, 0].astype(np.float64) for m in moments])
            expected = _closed_form(name, decay, means, 0.0)
            assert state.averages[layer].mean.dtype == np.float64
            np.testing.assert_allclose(state.averages[layer].mean[i], expected, rtol=1e-10)
            factor = 1 if name == "biased" else 4 / 3
            variances = factor * np.stack([m.variance[:, 0].astype(np.float64) for m in moments])
            expected = _closed_form(name, decay, variances, 1.0)
            np.testing.assert_allclose(state.averages[layer].second[i], expected, rtol=1e-10)


def test_evaluation_normalises_with_the_averages() -> None:
    bank = RunningStatistics(ALL_TRACKERS)
    state = _watch(bank, _batches(3))
    kinds = bank.statistics(state)
    assert list(kinds) == [t.name for t in ALL_TRACKERS]
    h = normal(5, 2, 7, 5)
    for i, name in enumerate(kinds):
        moments = kinds[name]("norm2", h)
        assert moments.mean.shape == moments.variance.shape == (2, 1, 5)
        np.testing.assert_array_equal(moments.mean[:, 0], state.averages["norm2"].mean[i])
        np.testing.assert_array_equal(moments.variance[:, 0], state.averages["norm2"].second[i])


def test_frozen_statistics_take_the_precision_of_the_batch() -> None:
    exact = Moments(normal(0, 2, 1, 5), normal(1, 2, 1, 5) ** 2)
    for dtype in (np.float32, np.float64):
        mean, variance = frozen({"norm1": exact})("norm1", np.zeros((2, 3, 5), dtype))
        assert mean.dtype == variance.dtype == dtype
        np.testing.assert_array_equal(mean, exact.mean.astype(dtype))


@pytest.mark.parametrize("ghost_update", GHOST_UPDATES)
def test_watching_never_changes_training(ghost_update: GhostUpdate) -> None:
    settings = small_training(network=small_mlp(dropout=0.2), optimizer=Momentum(0.9))
    watched = replace(settings, running=RunningStatistics(ALL_TRACKERS, ghost_update))
    alone = replace(settings, running=RunningStatistics(()))
    splits = small_splits(2)
    curves = [records_of(Curve, training, splits) for training in (watched, alone)]
    assert len(curves[0]) == 4
    for a, b in zip(*curves, strict=True):
        for field in vars(a):
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field))

"""What changes do to a training, by closed forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest

from caviar.model.averages.bank import BankState, Propagated, RunningStatistics, Steps
from caviar.model.averages.frameworks import ALL
from caviar.model.contract import Moments
from caviar.model.measurements.population import population
from caviar.model.steps.random_streams import streams_at
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.trial.changing.apply_change import with_changes_due
from caviar.runner.trial.changing.phases import training_after
from tests.runner.attempts import trial

STEP = 5
EVERY_RULE = f"conventions={json.dumps(list(ALL))}"


def changing(*settings: str, change: str) -> tuple[TrialConfig, Data]:
    return trial(f"changes={json.dumps([f'{STEP}: {change}'])}", "dtype=float64", *settings)


@cache
def around(*settings: str, change: str) -> tuple[Snapshot, Snapshot, Training, Splits]:
    """A training before and after its change, as it goes on, and its splits."""
    config, data = changing(*settings, change=change)
    splits = make_splits(data, config)
    records = train(training_after(config, data, 0), splits, until=STEP)
    *_, before = records
    assert isinstance(before, Snapshot) and before.step == STEP
    after = with_changes_due(before, config, data, splits)
    return before, after, training_after(config, data, STEP), splits


def test_a_layer_that_is_reset_has_new_weights_and_no_past() -> None:
    before, after, training, _ = around("optimizer=adam", change="reset dense2")
    drawn, _ = training.network.init(streams_at((0, 1), "weights", STEP), 13, np.float64)
    first, _ = training.network.init(streams_at((0, 1), "weights", 0), 13, np.float64)
    for name, kept in before.state.parameters.items():
        for key, array in after.state.parameters[name].items():
            same = drawn[name][key] if name == "dense2" else kept[key]
            np.testing.assert_array_equal(array, same)
    assert not np.array_equal(drawn["dense2"]["weight"], first["dense2"]["weight"])
    for slot, nested in after.state.optimizer.slots.items():
        was = before.state.optimizer.slots[slot]
        assert not nested["dense2"]["weight"].any() and was["dense2"]["weight"].any()
        assert nested["dense1"]["weight"] is was["dense1"]["weight"]
    assert after.state.optimizer.count == before.state.optimizer.count == STEP
    assert after.state.bank == before.state.bank and after.streams == before.streams


def test_two_layers_that_are_reset_at_once_share_no_number() -> None:
    config, data = trial(f'changes=["{STEP}: reset dense1", "{STEP}: reset dense2"]')
    splits = make_splits(data, config)
    *_, before = train(training_after(config, data, 0), splits, until=STEP)
    assert isinstance(before, Snapshot)
    after = with_changes_due(before, config, data, splits).state.parameters
    one, other = (after[name]["weight"][0].ravel() for name in ("dense1", "dense2"))
    assert abs(one).min() > 0 and not np.isin(one * np.sqrt(9 / 13), other).any()


@pytest.mark.parametrize("norm", ["batch", "renorm", "momentum-batch"])
def test_a_norm_that_is_reset_is_as_at_the_start(norm: str) -> None:
    settings = (f"norm={norm}", EVERY_RULE)
    before, after, training, _ = around(*settings, change="reset norm1")
    ours = after.state.parameters["norm1"]
    assert (ours["gamma"] == 1).all() and not ours["beta"].any()
    assert not after.state.optimizer.slots["velocity"]["norm1"]["gamma"].any()
    start = training.network.references(after.state.parameters)["norm1"]
    assert start.keys() == after.state.references["norm1"].keys()
    for key, array in start.items():
        np.testing.assert_array_equal(after.state.references["norm1"][key], array)
    fresh = training.running.init(training.network, after.state.parameters)
    for kind in ("mean", "second"):
        np.testing.assert_array_equal(
            getattr(after.state.bank.averages["norm1"], kind),
            getattr(fresh.averages["norm1"], kind),
        )
    assert after.state.bank.averages["norm2"] is before.state.bank.averages["norm2"]
    assert after.state.references["norm2"] is before.state.references["norm2"]


def moments_of(steps: int, ghosts: int, features: int) -> Moments:
    """Statistics of ghosts of 8 examples, `(2, steps, ghosts, features)`."""
    random = np.random.default_rng(3)
    mean, deviation = random.normal(size=(2, 2, steps, ghosts, features))
    return Moments(mean, deviation**2)


Fold = Callable[[RunningStatistics, BankState, dict[str, Moments]], BankState]


def one_by_one(running: RunningStatistics, bank: BankState, of: dict[str, Moments]) -> BankState:
    for step in range(3):
        here = {name: Moments(*(part[:, step] for part in m)) for name, m in of.items()}
        bank = running.update(bank, here, 8)
    return bank


def at_once(running: RunningStatistics, bank: BankState, of: dict[str, Moments]) -> BankState:
    first = {name: Moments(*(part[:, :, 0] for part in m)) for name, m in of.items()}
    return running.fold_steps(bank, {name: Steps(m, 8, 8) for name, m in first.items()})


def expected(running: RunningStatistics, bank: BankState, of: dict[str, Moments]) -> BankState:
    for step in range(3):
        here = {name: Moments(*(part[:, step] for part in m)) for name, m in of.items()}
        bank = running.follow(bank, Propagated(here, 8, 2))
    return bank


def compiled(running: RunningStatistics, bank: BankState, of: dict[str, Moments]) -> BankState:
    from caviar.model.kernels.averages import folded

    return folded(running, bank, of, 8)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("fold", [one_by_one, at_once, expected, compiled])
def test_rules_that_count_their_updates_count_those_since_a_reset(fold: Fold) -> None:
    """The layer's averages are those of a bank that began then; the other layer's go on."""
    _, after, training, _ = around(EVERY_RULE, change="reset norm1")
    running, bank = training.running, after.state.bank
    of = {"norm1": moments_of(3, 2, 9), "norm2": moments_of(3, 2, 6)}
    fresh = fold(running, running.init(training.network, after.state.parameters), of)
    later, unreset = fold(running, bank, of), fold(running, bank._replace(begun={}), of)
    assert later.updates == STEP + 3 and later.begun == {"norm1": STEP}
    for kind in (0, 1):
        np.testing.assert_array_equal(later.averages["norm1"][kind], fresh.averages["norm1"][kind])
        np.testing.assert_array_equal(
            later.averages["norm2"][kind], unreset.averages["norm2"][kind]
        )
        counting = [tracker.name == "cumulative" for tracker in running.trackers]
        away = later.averages["norm1"][kind] - unreset.averages["norm1"][kind]
        assert abs(away[counting]).max() > 0.1


def test_recomputed_averages_are_read_as_the_population() -> None:
    _, after, training, splits = around(EVERY_RULE, change="recompute")
    state, exact = after.state, partial(population, training.network)
    moments = exact(state.parameters, splits.train, (), streams_at((0, 1), "probe", 9)).moments
    for layer, read in training.running.read(state.bank.averages).items():
        assert len(read.mean) == len(training.running.trackers) >= 30
        for ours, population_of_layer in zip(read, moments[layer], strict=True):
            for of_tracker in ours:
                np.testing.assert_allclose(of_tracker, population_of_layer[:, 0], rtol=1e-12)


def test_recomputed_averages_count_all_updates() -> None:
    """Also those of a layer that was begun anew: its plain mean would forget them at once."""
    changes = json.dumps([f"{STEP}: reset norm1", f"{STEP}: recompute"])
    config, data = trial(f"changes={changes}")
    splits = make_splits(data, config)
    *_, before = train(training_after(config, data, 0), splits, until=STEP)
    assert isinstance(before, Snapshot)
    bank = with_changes_due(before, config, data, splits).state.bank
    assert (bank.updates, bank.begun) == (STEP, {})


@pytest.mark.parametrize(
    ("decay", "decays", "change", "names", "sources"),
    [
        (0.9, [0.99], 0.5, ["0.5", "0.99"], ["0.9", "0.99"]),
        (0.9, [0.99], 0.99, ["0.99"], ["0.9"]),
        (0.99, [0.9, 0.99], 0.7, ["0.7", "0.9", "0.99"], ["0.99", "0.9", "0.99"]),
    ],
)
def test_the_average_of_decay_goes_on_under_another(
    decay: float, decays: list[float], change: float, names: list[str], sources: list[str]
) -> None:
    settings = ("conventions=['unbiased', 'cumulative']", f"decay={decay}", f"decays={decays}")
    before, after, training, _ = around(*settings, change=f"decay = {change}")
    every = [f"unbiased/{name}" for name in names] + ["cumulative"]
    assert [tracker.name for tracker in training.running.trackers] == every
    config, data = changing(*settings, change=f"decay = {change}")
    was = [tracker.name for tracker in training_after(config, data, 0).running.trackers]
    kept = [was.index(f"unbiased/{name}") for name in sources] + [len(was) - 1]
    for layer, averaged in before.state.bank.averages.items():
        for kind in (0, 1):
            ours = after.state.bank.averages[layer][kind]
            np.testing.assert_array_equal(ours, averaged[kind][kept])


def test_layers_without_parameters_come_and_go() -> None:
    before, after, training, _ = around("optimizer=adam", change="dropout = 0.2")
    names = [name for name, _ in training.network.layers]
    assert "dropout1" in names and "dropout1" not in before.state.parameters
    assert list(after.state.parameters) == names
    assert all(list(nested) == names for nested in after.state.optimizer.slots.values())
    before, after, training, _ = around("dropout=0.2", change="dropout = 0")
    assert "dropout1" in before.state.parameters and "dropout1" not in after.state.parameters


def test_nothing_of_before_is_written() -> None:
    config, data = changing(EVERY_RULE, change="recompute")
    splits = make_splits(data, config)
    *_, before = train(training_after(config, data, 0), splits, until=STEP)
    assert isinstance(before, Snapshot)
    kept = {n: a.mean.copy() for n, a in before.state.bank.averages.items()}
    with_changes_due(before, config, data, splits)
    for layer, mean in kept.items():
        np.testing.assert_array_equal(before.state.bank.averages[layer].mean, mean)

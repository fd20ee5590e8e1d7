"""Training that is stopped at any step and resumed elsewhere, bit for bit."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.averages.bank import RunningStatistics
from caviar.model.contract import Array
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.noise import injected_noise as noise
from caviar.model.norms.norm import Norm, Normaliser
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm
from caviar.model.records import Checked, Curve, Record
from caviar.model.steps.ghost_arrangement import class_sorted, first_come, stratified
from caviar.model.steps.optimizers import (
    Adam,
    CoupledDecay,
    DecoupledDecay,
    GammaDecay,
    Momentum,
)
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot, beginning
from caviar.model.train import train
from tests.model.helpers import (
    ALL_TRACKERS,
    run,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)
from tests.model.nested import flat

SPLITS = small_splits(2)
STEPS = 9


def _normed(normaliser: Normaliser, **changes: Any) -> Training:
    return small_training(network=small_mlp(norm=Norm(normaliser)), **changes)


def _everything(**changes: Any) -> Training:
    """A training that draws from every stream and carries every kind of state."""
    network = small_mlp(norm=Norm(BatchRenorm(8, 3.0, 5.0, 0.9, 4)), dropout=0.2)
    settings: dict[str, Any] = {
        "network": network,
        "optimizer": DecoupledDecay(Adam(0.9, 0.99), 0.01),
        "probes": small_probes(shadow=True),
        "company": 8,
        "partitions": 2,
        "running": RunningStatistics(ALL_TRACKERS, "sequential"),
    }
    return small_training(**(settings | changes))


ARRANGEMENTS = {"stratified": stratified(8), "class-sorted": class_sorted}
TRAININGS: dict[str, Training] = {
    "sgd": small_training(),
    "momentum": small_training(optimizer=Momentum(0.9)),
    "adam": small_training(optimizer=Adam(0.9, 0.99)),
    "coupled decay": small_training(optimizer=CoupledDecay(Adam(0.9, 0.99), 0.1)),
    "gamma decay": small_training(optimizer=GammaDecay(Momentum(0.9), 0.1)),
    "layer": small_training(network=small_mlp("layer")),
    "none": small_training(network=small_mlp("none")),
    "leave-one-out": _normed(LeaveOneOutNorm(8)),
    "other-examples": _normed(OtherExamplesNorm(8), company=16),
    "stop-gradient": _normed(StopGradientNorm(8)),
    "renorm": _normed(BatchRenorm(8, 3.0, 5.0, 0.9, 4)),
    "shift-noise": _normed(noise.NoisyNorm(8, 1e-5, noise.ShiftNoise(8)), company=32),
    "scale-noise": _normed(noise.NoisyNorm(8, 1e-5, noise.ScaleNoise(1)), company=32),
    "shift-and-scale": _normed(noise.NoisyNorm(8, 1e-5, noise.ShiftAndScaleNoise(8)), company=32),
    "dropout": small_training(network=small_mlp(dropout=0.3)),
    "partitions": small_training(partitions=3),
    "company": _normed(BatchNorm(24), norm_batch_size=24, company=8),
    "shadow": small_training(probes=small_probes(shadow=True)),
    "shadow of noise": _normed(
        noise.NoisyNorm(8, 1e-5, noise.ShiftNoise(8)), company=32, probes=small_probes(shadow=True)
    ),
    "an odd batch": small_training(batch_size=24, probes=small_probes(log_probabilities=True)),
    "one batch per epoch": small_training(batch_size=48),
    **{
        name: small_training(arrangement=first_come(arrangement, 8), partitions=2)
        for name, arrangement in ARRANGEMENTS.items()
    },
    "everything": _everything(),
}


def _bits(record: Record) -> tuple[Any, ...]:
    values = (getattr(record, field.name) for field in fields(record))
    return (
        type(record).__name__,
        *((v.dtype.str, v.shape, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values),
    )


def _rows(records: Iterable[Record]) -> list[tuple[Any, ...]]:
    return [_bits(record) for record in records]


def _kept(training: Training, splits: Splits = SPLITS) -> tuple[list[Record], dict[int, Snapshot]]:
    """All records of a training, and a snapshot after each of its steps."""
    records = list(train(training, splits, wanted=lambda: True))
    snapshots = {record.step: record for record in records if isinstance(record, Snapshot)}
    return [record for record in records if not isinstance(record, Snapshot)], snapshots


def _on_from(training: Training, start: Snapshot, splits: Splits = SPLITS) -> list[Record]:
    return list(train(training, splits, start))


def _after(records: list[Record], step: int) -> list[Record]:
    return [r for r in records if r.step > step and not isinstance(r, Checked)]


def _arrays(snapshot: Snapshot) -> Iterator[tuple[str, Array]]:
    state = snapshot.state
    yield "losses", snapshot.losses
    yield from flat(state.parameters).items()
    for slot, nested in state.optimizer.slots.items():
        yield from ((f"{slot} of {name}", array) for name, array in flat(nested).items())
    yield from flat(state.references).items()
    for bank in (state.bank, state.shadow):
        for layer, moments in bank.averages.items():
            yield from ((layer, array) for array in moments)


@pytest.fixture(params=TRAININGS)
def training(request: pytest.FixtureRequest) -> Training:
    return TRAININGS[request.param]


def test_what_follows_a_snapshot_is_the_same_bit_for_bit(training: Training) -> None:
    """At the start, before and after a measurement, within and at the end of an epoch."""
    whole, snapshots = _kept(training)
    for step in (1, 3, 4, STEPS - 1):
        assert _rows(_on_from(training, snapshots[step])) == _rows(_after(whole, step))


def test_training_that_is_thrown_away_after_every_step(training: Training) -> None:
    records: list[Record] = []
    start: Snapshot | None = None
    for stop in range(1, STEPS):
        *before, last = _until(training, start, stop)
        assert isinstance(last, Snapshot)
        records, start = records + before, last
    assert _rows(records + _until(training, start, None)) == _rows(run(training, SPLITS))


def test_a_snapshot_is_a_value_in_the_layout_of_a_file(training: Training) -> None:
    """No step writes into an array of any snapshot, neither of its own nor of an earlier one.

    The order of a sum, and so its last digits, depends on the memory layout of arrays.
    """
    fresh = dict(_arrays(beginning(training, 4, np.dtype(np.float64))))
    kept: list[tuple[Snapshot, Snapshot]] = []
    for record in train(training, SPLITS, wanted=lambda: True):
        if isinstance(record, Snapshot):
            kept.append((record, copy.deepcopy(record)))
    _on_from(training, kept[-2][0])
    for now, then in kept:
        assert now.streams == then.streams
        for (name, one), (_, other) in zip(_arrays(now), _arrays(then), strict=True):
            np.testing.assert_array_equal(one, other, name)
            assert one.flags.c_contiguous and one.dtype == fresh[name].dtype, name


@cache
def _plain(shadow: bool, batch_size: int) -> tuple[Training, list[tuple[Any, ...]]]:
    training = _everything(probes=small_probes(shadow=shadow), batch_size=batch_size)
    return training, _rows(run(training, SPLITS))


def _until(training: Training, start: Snapshot | None, stop: int | None) -> list[Record]:
    """From the start to a snapshot after the step `stop`, or to the end."""
    steps = iter(range((start.step if start else 0) + 1, STEPS))
    records: list[Record] = []
    for record in train(training, SPLITS, start, lambda: next(steps) == stop):
        records.append(record)
        if isinstance(record, Snapshot):
            break
    return records


@settings(deadline=None, max_examples=10)
@given(
    stops=st.sets(st.integers(1, STEPS - 1)), shadow=st.booleans(), size=st.sampled_from([16, 40])
)
def test_any_chain_of_stops(stops: set[int], shadow: bool, size: int) -> None:
    training, whole = _plain(shadow, size)
    records: list[Record] = []
    start: Snapshot | None = None
    for stop in sorted(stops):
        *before, last = _until(training, start, stop)
        assert isinstance(last, Snapshot) and last.step == stop
        records, start = records + before, last
    assert _rows(records + _until(training, start, None)) == whole


def test_snapshots_come_when_they_are_wanted_and_change_nothing() -> None:
    training = _everything()
    answers = {2, 3, 4, 8}
    asked: list[int] = []

    def wanted() -> bool:
        asked.append(len(asked) + 1)
        return asked[-1] in answers

    records = list(train(training, SPLITS, wanted=wanted))
    assert asked == list(range(1, STEPS))
    places = [i for i, record in enumerate(records) if isinstance(record, Snapshot)]
    assert [records[i].step for i in places] == sorted(answers)
    for i in places:
        assert all(record.step <= records[i].step for record in records[:i])
        assert all(record.step > records[i].step for record in records[i + 1 :])
    others = [record for record in records if not isinstance(record, Snapshot)]
    assert _rows(others) == _rows(run(training, SPLITS))


def test_losses_of_an_unfinished_row_are_kept() -> None:
    """The mean of steps 3 to 5 is the same whether training stopped among them or not."""
    training = small_training()
    whole, snapshots = _kept(training)
    assert [len(snapshots[step].losses) for step in range(1, 9)] == [0, 0, 1, 2, 0, 1, 2, 3]
    curves = [r for r in whole if isinstance(r, Curve)]
    resumed = [r for r in _on_from(training, snapshots[4]) if isinstance(r, Curve)]
    assert resumed[0].loss.tobytes() == curves[2].loss.tobytes()


def test_a_diverged_training_goes_on_as_it_was() -> None:
    training = _everything(learning_rate=1e200)
    whole, snapshots = _kept(training)
    assert not np.isfinite(snapshots[5].state.parameters["dense1"]["weight"]).all()
    assert _rows(_on_from(training, snapshots[5])) == _rows(_after(whole, 5))


def test_in_single_precision() -> None:
    training, splits = _everything(), small_splits(2, np.float32)
    whole, snapshots = _kept(training, splits)
    assert snapshots[4].state.parameters["dense1"]["weight"].dtype == np.float32
    for step in (1, 4, 8):
        assert _rows(_on_from(training, snapshots[step], splits)) == _rows(_after(whole, step))


def _forgetting(part: str, snapshot: Snapshot, fresh: Snapshot) -> Snapshot:
    """The snapshot with one part as it was at the start."""
    state, streams = snapshot.state, snapshot.streams
    if part in streams:
        return replace(snapshot, streams=streams | {part: fresh.streams[part]})
    if part == "spare":
        spent = {p: tuple(s._replace(spare=None) for s in states) for p, states in streams.items()}
        return replace(snapshot, streams=spent)
    if part == "losses":
        return replace(snapshot, losses=fresh.losses)
    if part == "updates":
        return replace(snapshot, state=replace(state, bank=state.bank._replace(updates=0)))
    if part == "shadow's updates":
        return replace(snapshot, state=replace(state, shadow=state.shadow._replace(updates=0)))
    if part == "count":
        optimizer = replace(state.optimizer, count=fresh.state.optimizer.count)
        return replace(snapshot, state=replace(state, optimizer=optimizer))
    name = part.removesuffix(" averages")
    return replace(snapshot, state=replace(state, **{name: getattr(fresh.state, name)}))


@cache
def _half_way() -> tuple[Training, Snapshot, list[tuple[Any, ...]]]:
    probes = small_probes(shadow=True, evaluation_steps=frozenset({4, 7, 9}))
    training = _everything(probes=probes)
    snapshot = _kept(training)[1][4]
    return training, snapshot, _rows(_on_from(training, snapshot))


@pytest.mark.parametrize(
    "part",
    [
        *("parameters", "optimizer", "count", "references", "bank averages", "shadow averages"),
        *("updates", "shadow's updates", "losses", "spare"),
        *("order", "company", "noise", "partitions", "probe", "shadow"),
    ],
)
def test_no_part_of_a_snapshot_may_be_forgotten(part: str) -> None:
    """This also shows that the comparisons above would notice."""
    training, snapshot, whole = _half_way()
    fresh = beginning(training, 4, np.dtype(np.float64))
    assert _rows(_on_from(training, _forgetting(part, snapshot, fresh))) != whole

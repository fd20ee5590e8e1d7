"""The training loop: a generator of records."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from caviar.model.averages.bank import Propagated
from caviar.model.averages.errors import Split
from caviar.model.contract import Array, Generators, Parameters
from caviar.model.measurements.at_step import Moment, measure
from caviar.model.measurements.precise_statistics import propagated, watched
from caviar.model.records import Checked, Curve, Probing, Record
from caviar.model.steps.gradient import (
    Gradient,
    Randomness,
    Rows,
    feed,
    feed_from,
    gradient_of,
    randomness,
)
from caviar.model.steps.proof import check_step
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Drawing, Snapshot, State, beginning

CHECKED_STEPS = 2
"""First batches on which every trial proves its batch norm."""


def never() -> bool:
    """No snapshot is wanted."""
    return False


def train(
    training: Training,
    splits: Splits,
    start: Snapshot | None = None,
    wanted: Callable[[], bool] = never,
) -> Iterator[Record]:
    """Train one network a seed side by side and yield what is measured on the way.

    Nothing stops at a loss that is not finite: the numbers say so, seed by seed, and the other
    seeds of the stack go on. `wanted` is asked after the records of every step but the last; a
    yes is answered with a snapshot. From a `start` everything after its step is the same bit for
    bit, and nothing of before is repeated.
    """
    at = start or beginning(training, splits.train.features.shape[1], splits.train.dtype)
    drawing = Drawing(at.streams)
    rows = feed_from(training, splits.train, drawing.of("order"), drawing.of("company"), at.step)
    random = Randomness(drawing.of("noise"), drawing.of("partitions"))
    steps_per_epoch = len(splits.train) // training.batch_size
    state, losses = at.state, list(at.losses)
    expected = _expected(training, state, splits, drawing.of("shadow"))
    if start is None:
        yield from _proof(training, state, splits)
    for step in range(at.step + 1, training.steps + 1):
        rate = training.learning_rate * training.schedule((step - 1) / training.steps)
        state, seen = _step(training, state, expected, splits, next(rows), random, rate)
        losses.append(seen.loss)
        if expected is not None:
            drawing.mark("shadow")
            expected = _expected(training, state, splits, drawing.of("shadow"))
        if step in training.curve_steps:
            epoch = step / steps_per_epoch
            yield _curve(step, epoch, rate, losses, seen.gradients, state.parameters)
            losses = []
        if step in training.probes.evaluation_steps:
            yield Probing(step)
            yield from _measured(training, splits, step, state, expected, drawing.of("probe"))
        if step % steps_per_epoch == 0:
            drawing.mark("order")
        if step < training.steps and wanted():
            yield Snapshot(step, state, _stacked(training, losses), drawing.at_rest())


def _moment(training: Training, state: State, expected: Propagated | None) -> Moment:
    bank, split = training.running, None
    if expected is not None:
        split = Split(bank.read(state.shadow.averages), bank.read(bank.expect(expected)))
    return Moment(state.parameters, state.references, state.bank, split)


@np.errstate(all="ignore")
def _measured(
    training: Training,
    splits: Splits,
    step: int,
    state: State,
    expected: Propagated | None,
    probe: Generators,
) -> list[Record]:
    return list(measure(training, splits, step, _moment(training, state, expected), probe))


def _proof(training: Training, state: State, splits: Splits) -> Iterator[Checked]:
    """Batch norm's identities at the starting weights on the first batches of the run.

    They hold for any weights and any batch, so the start, where numbers are tame, decides;
    the streams are fresh ones, and training is as it would be without.
    """
    random, parameters = randomness(training), state.parameters | state.references
    first = itertools.islice(feed(training, splits.train), CHECKED_STEPS)
    for step, rows in enumerate(first, start=1):
        seen = gradient_of(training, parameters, splits.train, rows, random)
        found = check_step(training.network, parameters, seen.tape, seen.upstream)
        if found is not None:
            yield Checked(step, found.failed)


# Not around a yield: the setting would leak into whoever consumes the records.
@np.errstate(all="ignore")
def _step(
    training: Training,
    state: State,
    expected: Propagated | None,
    splits: Splits,
    rows: Rows,
    random: Randomness,
    rate: float,
) -> tuple[State, Gradient]:
    """One update; also the train-mode loss before it and the gradients."""
    forward = state.parameters | state.references
    seen = gradient_of(training, forward, splits.train, rows, random)
    bank = training.running.update(state.bank, *watched(seen.tape, rows.examples))
    shadow = state.shadow
    if expected is not None:
        shadow = training.running.follow(shadow, expected)
    parameters, optimizer = training.optimizer.step(
        state.optimizer, state.parameters, seen.gradients, rate
    )
    references = training.network.follow(state.references, seen.tape)
    return State(parameters, optimizer, references, bank, shadow), seen


@np.errstate(all="ignore")
def _expected(
    training: Training, state: State, splits: Splits, shadow: Generators
) -> Propagated | None:
    """The statistics expected at the present weights; None where no shadow is kept of any."""
    if not (training.probes.shadow and training.network.norm_layers):
        return None
    return propagated(training, state.parameters | state.references, splits.train, shadow)


def _stacked(training: Training, losses: list[Array]) -> Array:
    return np.reshape(losses, (len(losses), len(training.seeds)))


@np.errstate(all="ignore")
def _curve(
    step: int,
    epoch: float,
    rate: float,
    losses: list[Array],
    gradients: Parameters,
    parameters: Parameters,
) -> Curve:
    weights = {k: w for k, w in parameters.items() if k.endswith(".weight")}
    weight_norm = _norm(weights)
    return Curve(
        step=step,
        epoch=epoch,
        learning_rate=rate,
        loss=np.mean(losses, axis=0),
        gradient_norm=_norm(gradients),
        weight_norm=weight_norm,
        effective_learning_rate=rate / weight_norm**2,
    )


def _norm(arrays: Parameters) -> Array:
    squares = [np.sum(np.square(a, dtype=np.float64), axis=(1, 2)) for a in arrays.values()]
    return np.asarray(np.sqrt(np.sum(squares, axis=0)))

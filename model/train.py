"""The training loop: a generator of records."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators
from caviar.model.measurements.at_step import Passes, measure
from caviar.model.measurements.precise_statistics import propagated, watched
from caviar.model.parameters import arrays
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
from caviar.model.steps.proof import check_step, proved
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Drawing, Snapshot, beginning
from caviar.model.steps.state import TrainingState

CHECKED_STEPS = 2
"""Number of first batches on which every trial checks its batch norm."""


def never() -> bool:
    """Ask for no snapshot."""
    return False


def train(
    training: Training,
    splits: Splits,
    start: Snapshot | None = None,
    wanted: Callable[[], bool] = never,
    until: int | None = None,
) -> Iterator[Record]:
    """Train one network per seed side by side, and yield what is measured on the way.

    A loss that is not finite stops no seed. After the records of each step but the last, a
    snapshot follows if `wanted()`; one ends training `until` a step. From a `start`, only later
    records come, the same bit for bit.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> splits = caviar.make_splits(plan.data, plan.trials[0])
    >>> records = list(caviar.train(caviar.build(plan.trials[0], plan.data), splits))
    """
    first = start or beginning(training, splits.train.features.shape[1], splits.train.dtype)
    drawing, losses = Drawing(first.streams), list(first.losses)
    rows, random = _drawn(training, splits, drawing, first.step)
    state = _expecting(training, splits, first.state, drawing.of("shadow"))
    if start is None:
        yield from _proof(training, splits, state)
    while state.step < (until or training.steps):
        state, gradient = _step(training, splits, state, next(rows), random)
        losses.append(gradient.loss)
        if training.probes.shadow:
            drawing.mark("shadow")
            state = _expecting(training, splits, state, drawing.of("shadow"))
        if state.step in training.curve_steps:
            yield curve(training, splits, state.step, losses, norms_of(state, gradient))
            losses = []
        if state.step in training.probes.evaluation_steps:
            yield Probing(state.step)
            yield from measured(training, splits, state, drawing.of("probe"))
        if state.step % training.steps_per_epoch(splits.train) == 0:
            drawing.mark("order")
        if state.step == until or (state.step < training.steps and wanted()):
            resting = replace(state, expected=None)
            yield Snapshot(resting, stacked(training, losses), drawing.at_rest())


def _drawn(
    training: Training, splits: Splits, drawing: Drawing, done: int
) -> tuple[Iterator[Rows], Randomness]:
    """The rows of the steps after `done` steps, and what is drawn inside them."""
    order, others = drawing.of("order"), drawing.of("company")
    rows = feed_from(training, splits.train, order, others, done)
    return rows, Randomness(drawing.of("noise"), drawing.of("partitions"))


@np.errstate(all="ignore")
def measured(
    training: Training,
    splits: Splits,
    state: TrainingState,
    probe: Generators,
    passes: Passes | None = None,
) -> list[Record]:
    """What is due after a step, as records."""
    return list(measure(training, splits, state, probe, passes))


def _proof(training: Training, splits: Splits, state: TrainingState) -> Iterator[Checked]:
    """Check batch norm's identities at the starting weights on the first batches of the run.

    They hold for any weights and any batch, so checking them at the start, where numbers are of
    moderate size, is enough. The random streams are fresh copies, so training is unaffected.
    """
    training, examples, parameters = proved(training, splits.train, state.forward)
    random = randomness(training)
    first = itertools.islice(feed(training, examples), CHECKED_STEPS)
    for step, rows in enumerate(first, start=1):
        gradient = gradient_of(training, parameters, examples, rows, random)
        invariants = check_step(training.network, parameters, gradient.tape, gradient.upstream)
        if invariants is not None:
            yield Checked(step, invariants.failed)


# Not around a yield: the setting would leak into whoever consumes the records.
@np.errstate(all="ignore")
def _step(
    training: Training, splits: Splits, state: TrainingState, rows: Rows, random: Randomness
) -> tuple[TrainingState, Gradient]:
    """One update, and the train-mode loss and gradients from which it was made."""
    gradient = gradient_of(training, state.forward, splits.train, rows, random)
    bank = training.running.update(state.bank, *watched(gradient.tape, rows.examples))
    shadow = state.shadow
    if state.expected is not None:
        shadow = training.running.follow(shadow, state.expected)
    parameters, optimizer = training.optimizer.step(
        state.optimizer, state.parameters, gradient.gradients, training.rate_after(state.step)
    )
    references = training.network.follow(state.references, gradient.tape)
    after = TrainingState(state.step + 1, parameters, optimizer, references, bank, shadow)
    return after, gradient


@np.errstate(all="ignore")
def _expecting(
    training: Training, splits: Splits, state: TrainingState, shadow: Generators
) -> TrainingState:
    """The state with the statistics expected at its weights, if a shadow is kept."""
    if not (training.probes.shadow and training.network.norm_layers):
        return state
    return replace(state, expected=propagated(training, state.forward, splits.train, shadow))


def stacked(training: Training, losses: list[Array]) -> Array:
    """Losses of single steps as one array, `(steps, replicas)`."""
    return np.reshape(losses, (len(losses), len(training.seeds)))


class Norms(NamedTuple):
    """Of a step: its gradient's norm, and the norm of all weights after it; both `(replicas,)`."""

    gradient: Array
    weight: Array


@np.errstate(all="ignore")
def norms_of(state: TrainingState, gradient: Gradient) -> Norms:
    """The norms of a step, from the state after it."""
    weights = [by_name["weight"] for by_name in state.parameters.values() if "weight" in by_name]
    return Norms(_norm(list(arrays(gradient.gradients))), _norm(weights))


@np.errstate(all="ignore")
def curve(
    training: Training, splits: Splits, step: int, losses: list[Array], norms: Norms
) -> Curve:
    """The curve record of a step; `losses` are those of the steps since the record before."""
    rate = training.rate_after(step - 1)
    return Curve(
        step=step,
        epoch=step / training.steps_per_epoch(splits.train),
        learning_rate=rate,
        loss=np.mean(losses, axis=0),
        gradient_norm=norms.gradient,
        weight_norm=norms.weight,
        effective_learning_rate=rate / norms.weight**2,
    )


def _norm(several: list[Array]) -> Array:
    squares = [np.sum(np.square(a, dtype=np.float64), axis=(1, 2)) for a in several]
    return np.asarray(np.sqrt(np.sum(squares, axis=0)))

"""The training loop: a generator of records."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model.invariants import check_step
from model.layers import Array, Generators, Parameters
from model.measure import Moment, measure
from model.optim import State as OptimizerState
from model.propagate import propagated, watched
from model.records import Checked, Curve, Probing, Record
from model.running import BankState, Propagated
from model.step import Gradient, Randomness, Rows, feed, gradient_of, randomness
from model.streams import streams
from model.tracker_errors import Split
from model.training import Splits, Training

CHECKED_STEPS = 2
"""First batches on which every trial proves its batch norm."""


class State(NamedTuple):
    """Everything that a step changes.

    `references` are what layers carry besides trained parameters; `shadow` is the bank as it
    would be had every step seen the statistics that were `expected` at its weights. Those at the
    present ones are None where no shadow is kept.
    """

    parameters: Parameters
    optimizer: OptimizerState
    references: Parameters
    bank: BankState
    shadow: BankState
    expected: Propagated | None


def train(training: Training, splits: Splits) -> Iterator[Record]:
    """Train one network a seed side by side and yield what is measured on the way.

    Nothing stops at a loss that is not finite: the numbers say so, seed by seed, and the other
    seeds of the stack go on.
    """
    rows, random = feed(training, splits.train), randomness(training)
    probe, shadow = streams(training.seeds, "probe"), streams(training.seeds, "shadow")
    with np.errstate(all="ignore"):
        state = _expect(training, _start(training, splits), splits, shadow)
    steps_per_epoch = len(splits.train) // training.batch_size
    losses: list[Array] = []
    yield from _proof(training, state, splits)
    for step in range(1, training.steps + 1):
        rate = training.learning_rate * training.schedule((step - 1) / training.steps)
        records: list[Record] = []
        # Not around a yield: the setting would leak into whoever consumes the records.
        with np.errstate(all="ignore"):
            state, seen = _step(training, state, splits, next(rows), random, rate)
            state = _expect(training, state, splits, shadow)
            losses.append(seen.loss)
            if step in training.curve_steps:
                mean = np.mean(losses, axis=0)
                epoch = step / steps_per_epoch
                records.append(_curve(step, epoch, rate, mean, seen.gradients, state.parameters))
                losses = []
        yield from records
        if step in training.probes.evaluation_steps:
            yield Probing(step)
            with np.errstate(all="ignore"):
                moment = _moment(training, state)
                records = list(measure(training, splits, step, moment, probe))
            yield from records


def _start(training: Training, splits: Splits) -> State:
    features, dtype = splits.train.features.shape[1], splits.train.dtype
    parameters, _ = training.network.init(streams(training.seeds, "weights"), features, dtype)
    bank = training.running.init(training.network, parameters)
    return State(
        parameters,
        training.optimizer.init(parameters),
        training.network.references(parameters),
        bank,
        bank,
        None,
    )


def _moment(training: Training, state: State) -> Moment:
    bank, split = training.running, None
    if state.expected is not None:
        expected = bank.expect(state.expected)
        split = Split(bank.read(state.shadow.averages), bank.read(expected))
    return Moment(state.parameters, state.references, state.bank, split)


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


def _step(
    training: Training,
    state: State,
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
    if state.expected is not None:
        shadow = training.running.follow(shadow, state.expected)
    parameters, optimizer = training.optimizer.step(
        state.optimizer, state.parameters, seen.gradients, rate
    )
    references = training.network.follow(state.references, seen.tape)
    return State(parameters, optimizer, references, bank, shadow, state.expected), seen


def _expect(training: Training, state: State, splits: Splits, shadow: Generators) -> State:
    """The state with the statistics expected at its weights, where a shadow is kept of any."""
    if not (training.probes.shadow and training.network.norm_layers):
        return state
    whole = state.parameters | state.references
    return state._replace(expected=propagated(training, whole, splits.train, shadow))


def _curve(
    step: int, epoch: float, rate: float, loss: Array, gradients: Parameters, parameters: Parameters
) -> Curve:
    weights = {k: w for k, w in parameters.items() if k.endswith(".weight")}
    weight_norm = _norm(weights)
    return Curve(
        step=step,
        epoch=epoch,
        learning_rate=rate,
        loss=loss,
        gradient_norm=_norm(gradients),
        weight_norm=weight_norm,
        effective_learning_rate=rate / weight_norm**2,
    )


def _norm(arrays: Parameters) -> Array:
    squares = [np.sum(np.square(a, dtype=np.float64), axis=(1, 2)) for a in arrays.values()]
    return np.asarray(np.sqrt(np.sum(squares, axis=0)))

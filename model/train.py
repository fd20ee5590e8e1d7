"""The training loop: a generator of records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model.invariants import check_step
from model.layers import Array, Generators, Parameters
from model.loss import cross_entropy, mean_cross_entropy_gradient
from model.measure import measure
from model.network import training_moments
from model.optim import State as OptimizerState
from model.records import Checked, Curve, Record
from model.running import BankState
from model.streams import batches, streams
from model.training import Splits, Training

CHECKED_STEPS = 2
"""First batches on which every trial proves its batch norm."""


class State(NamedTuple):
    """Everything that a step changes."""

    parameters: Parameters
    optimizer: OptimizerState
    bank: BankState


def train(training: Training, splits: Splits) -> Iterator[Record]:
    """Train one network a seed side by side and yield what is measured on the way.

    Nothing stops at a loss that is not finite: the numbers say so, seed by seed, and the other
    seeds of the stack go on.
    """
    seeds = training.seeds
    state = _start(training, splits)
    order = batches(streams(seeds, "order"), len(splits.train), training.batch_size)
    noise, probe = streams(seeds, "noise"), streams(seeds, "probe")
    steps_per_epoch = len(splits.train) // training.batch_size
    losses: list[Array] = []
    yield from _proof(training, state, splits)
    for step in range(1, training.steps + 1):
        rate = training.learning_rate * training.schedule((step - 1) / training.steps)
        records: list[Record] = []
        # Not around a yield: the setting would leak into whoever consumes the records.
        with np.errstate(all="ignore"):
            x, labels = splits.train.take(next(order))
            state, loss, gradients = _step(training, state, x, labels, noise, rate)
            losses.append(loss)
            if step in training.curve_steps:
                mean = np.mean(losses, axis=0)
                epoch = step / steps_per_epoch
                records.append(_curve(step, epoch, rate, mean, gradients, state.parameters))
                losses = []
            if step in training.evaluation_steps:
                records += measure(training, splits, step, state.parameters, state.bank, probe)
        yield from records


def _start(training: Training, splits: Splits) -> State:
    features, dtype = splits.train.features.shape[1], splits.train.dtype
    parameters, _ = training.network.init(streams(training.seeds, "weights"), features, dtype)
    return State(
        parameters,
        training.optimizer.init(parameters),
        training.running.init(training.network, parameters),
    )


def _proof(training: Training, state: State, splits: Splits) -> Iterator[Checked]:
    """Batch norm's identities at the starting weights on the first batches of the run.

    They hold for any weights and any batch, so the start, where numbers are tame, decides;
    the streams are fresh ones, and training is as it would be without.
    """
    seeds = training.seeds
    order = batches(streams(seeds, "order"), len(splits.train), training.batch_size)
    noise = streams(seeds, "noise")
    for step in range(1, CHECKED_STEPS + 1):
        x, labels = splits.train.take(next(order))
        logits, tape = training.network.forward(state.parameters, x, noise)
        upstream = mean_cross_entropy_gradient(logits, labels)
        found = check_step(training.network, state.parameters, tape, upstream)
        if found is not None:
            yield Checked(step, found.failed)


def _step(
    training: Training, state: State, x: Array, labels: Array, noise: Generators, rate: float
) -> tuple[State, Array, Parameters]:
    """One update; also the train-mode loss before it, `(replicas,)`, and the gradients."""
    logits, tape = training.network.forward(state.parameters, x, noise)
    loss = cross_entropy(logits, labels).mean(axis=1, dtype=np.float64)
    upstream = mean_cross_entropy_gradient(logits, labels)
    _, gradients = training.network.backward(state.parameters, tape, upstream)
    seen = training_moments(tape)
    bank = training.running.update(state.bank, seen, training.norm_batch_size)
    parameters, optimizer = training.optimizer.step(
        state.optimizer, state.parameters, gradients, rate
    )
    return State(parameters, optimizer, bank), loss, gradients


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

"""The training loop: a generator of records."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.layers import Array, Parameters
from model.loss import cross_entropy, mean_cross_entropy_gradient
from model.measure import measure
from model.network import training_moments
from model.records import Curve, Record
from model.streams import batches, streams
from model.training import Splits, Training


def train(training: Training, splits: Splits) -> Iterator[Record]:
    """Train one network a seed side by side and yield what is measured on the way.

    Nothing stops at a loss that is not finite: the numbers say so, seed by seed, and the other
    seeds of the stack go on.
    """
    seeds, network = training.seeds, training.network
    parameters, _ = network.init(
        streams(seeds, "weights"), splits.train.features.shape[1], splits.train.dtype
    )
    optimizer_state = training.optimizer.init(parameters)
    bank = training.running.init(network, parameters)
    order = batches(streams(seeds, "order"), len(splits.train), training.batch_size)
    noise, probe = streams(seeds, "noise"), streams(seeds, "probe")
    steps_per_epoch = len(splits.train) // training.batch_size
    loss_sum, since = np.zeros(len(seeds)), 0
    with np.errstate(all="ignore"):
        for step in range(1, training.steps + 1):
            x, labels = splits.train.take(next(order))
            logits, tape = network.forward(parameters, x, noise)
            loss_sum += cross_entropy(logits, labels).mean(axis=1, dtype=np.float64)
            since += 1
            _, gradients = network.backward(
                parameters, tape, mean_cross_entropy_gradient(logits, labels)
            )
            bank = training.running.update(bank, training_moments(tape), training.norm_batch_size)
            rate = training.learning_rate * training.schedule((step - 1) / training.steps)
            parameters, optimizer_state = training.optimizer.step(
                optimizer_state, parameters, gradients, rate
            )
            if step in training.curve_steps:
                loss = loss_sum / since
                yield _curve(step, step / steps_per_epoch, rate, loss, gradients, parameters)
                loss_sum, since = np.zeros(len(seeds)), 0
            if step in training.evaluation_steps:
                yield from measure(training, splits, step, parameters, bank, probe)


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

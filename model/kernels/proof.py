"""Batch norm's exact identities, on what the kernels compute."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from caviar.model.contract import Array, Moments, NetworkParameters, NormTape
from caviar.model.kernels import places
from caviar.model.kernels.stack import Stack
from caviar.model.kernels.supported import Descent
from caviar.model.norms.standardise import grouped, plain_tape
from caviar.model.parameters import arrays
from caviar.model.records import Checked
from caviar.model.steps.examples import Examples
from caviar.model.steps.gradient import Gradient, feed
from caviar.model.steps.proof import check_step
from caviar.model.steps.setup import Training
from caviar.model.train import CHECKED_STEPS

PLAIN = Descent(0.0, (0.0, 0.0), (0.0, 0.0), 0.0)
"""Under it a velocity is the gradient; with a learning rate of 0, weights stay as they are."""

ROUNDINGS = 1e3
"""How many units in the last place of its largest terms a gradient may be off."""


def proof(
    training: Training, examples: Examples, parameters: NetworkParameters
) -> Iterator[Checked]:
    """Check batch norm's identities and the kernels' gradients on the first batches of the run.

    As in `model/train.py`, at the starting weights and from fresh copies of the random streams.
    """
    stack = Stack(training, examples, parameters, every_ghost=True)
    for step, rows in enumerate(itertools.islice(feed(training, examples), CHECKED_STEPS), start=1):
        arranged = training.arrangement(rows.scored, examples.labels_of(rows.scored))
        taken = np.concatenate([arranged, rows.company], axis=1)
        gradient = gradient_of(stack, taken)
        invariants = check_step(training.network, parameters, gradient.tape, gradient.upstream)
        assert invariants is not None
        yield Checked(step, invariants.failed + _differing(training, parameters, gradient))


def gradient_of(stack: Stack, rows: Array) -> Gradient:
    """Loss, gradients, tape and upstream gradient of one step of kernels, which changes nothing.

    `rows`, `(replicas, examples)`, as arranged and with their company.
    """
    done = stack.take(rows[:, None], PLAIN, [0.0], np.zeros(1, bool))
    gradients = stack.velocities
    return Gradient(done.losses[0], gradients, *_taped(stack, done.moments))


def _taped(stack: Stack, moments: dict[str, Moments]) -> tuple[dict[str, Any], Array]:
    """The tape of the pass whose numbers lie in the stack, and its upstream gradient."""
    tape: dict[str, Any] = {}
    layers = stack.layout.layers
    names = [name for name, _ in stack.training.network.layers]
    for i, layer in enumerate(layers):
        dense, *hidden = names[3 * i : 3 * i + 3]
        tape[dense] = _rows(stack, layer, places.INPUT, places.INPUT_ROW, layer[places.INPUTS])
        if hidden:
            norm, relu = hidden
            tape[norm] = _normalised(stack, layer, moments[norm])
            above = layers[i + 1]
            y = _rows(stack, above, places.INPUT, places.INPUT_ROW, layer[places.UNITS])
            tape[relu] = y > 0
    top = layers[-1]
    return tape, _rows(stack, top, places.SLOPE, places.OUTPUT_ROW, top[places.UNITS])


def _normalised(stack: Stack, layer: Array, moments: Moments) -> NormTape:
    size, units = stack.sizes.ghost, layer[places.UNITS]
    x_hat = _rows(stack, layer, places.OUTPUT, places.OUTPUT_ROW, units)
    ghosts = x_hat.shape[1] // size
    padded = layer[places.VECTORS] * stack.sizes.lanes
    start = layer[places.INVERSE]
    inverse = stack.arrays[:, start : start + ghosts * padded].reshape(-1, ghosts, 1, padded)
    kept = Moments(*(part[:, 0] for part in moments))
    return plain_tape(grouped(x_hat, size), inverse[..., :units], kept)


def _rows(stack: Stack, layer: Array, kind: int, row: int, numbers: int) -> Array:
    """A matrix of the pass, `(replicas, examples, numbers)`."""
    start, count, distance = layer[kind], stack.sizes.examples, layer[row]
    flat = stack.arrays[:, start : start + count * distance]
    return np.ascontiguousarray(flat.reshape(-1, count, distance)[:, :, :numbers])


def _differing(
    training: Training, parameters: NetworkParameters, gradient: Gradient
) -> tuple[str, ...]:
    """Names gradients that are not those of NumPy's backward pass over the same tape."""
    _, expected = training.network.backward(parameters, gradient.tape, gradient.upstream)
    deviations = [
        part.inverse_deviation for part in gradient.tape.values() if isinstance(part, NormTape)
    ]
    # A gradient may cancel to nothing, as with two examples: its terms are as large as these.
    largest = max(1.0, *map(np.max, deviations)) * max(np.max(np.abs(g)) for g in arrays(expected))
    allowed = ROUNDINGS * np.finfo(gradient.upstream.dtype).eps * largest
    return tuple(
        f"compiled gradient of {name}'s {key}"
        for name, by_name in expected.items()
        for key, values in by_name.items()
        if not np.max(np.abs(gradient.gradients[name][key] - values)) <= allowed
    )

"""Batch norm's exact identities, on what the kernels compute."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from caviar.model.contract import Array, Generators, NetworkParameters, NormTape
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.hidden import at_dense_layers
from caviar.model.kernels.by_layer.norm_kernel import matrix
from caviar.model.kernels.by_layer.registry import KERNELS
from caviar.model.kernels.by_layer.steps import Passed
from caviar.model.kernels.stack import Advanced, Stack
from caviar.model.kernels.supported import Descent, descent_of
from caviar.model.network import Network
from caviar.model.parameters import arrays, joined
from caviar.model.records import Checked
from caviar.model.steps.examples import Examples
from caviar.model.steps.gradient import Gradient, feed, randomness
from caviar.model.steps.proof import check_step, proved
from caviar.model.steps.setup import Training
from caviar.model.train import CHECKED_STEPS

PLAIN = Descent(0.0, (0.0, 0.0), (0.0, 0.0), 0.0)
"""Under it a velocity is the gradient; with a learning rate of 0, weights stay as they are."""

ROUNDINGS = 1e3
"""How many units in the last place of its largest terms a gradient may be off."""


def proof(
    training: Training, examples: Examples, parameters: NetworkParameters
) -> Iterator[Checked]:
    """Check the norms' identities and the kernels' gradients on the first batches of the run.

    As in `model/train.py`, at the starting weights and from fresh copies of the random streams.
    """
    training, examples, parameters = proved(training, examples, parameters)
    stack = Stack(training, examples, parameters, every_ghost=True)
    network, random = training.network, randomness(training).noise
    forward = joined(parameters, stack.references)
    for step, rows in enumerate(itertools.islice(feed(training, examples), CHECKED_STEPS), start=1):
        arranged = training.arrangement(rows.scored, examples.labels_of(rows.scored))
        taken = np.concatenate([arranged, rows.company], axis=1)
        gradient = gradient_of(stack, taken, random)
        invariants = check_step(network, forward, gradient.tape, gradient.upstream)
        failed = _differing(network, forward, gradient)
        if invariants is not None:
            failed = invariants.failed + failed
        if invariants is not None or failed:
            yield Checked(step, failed)


def gradient_of(stack: Stack, rows: Array, noise: Generators) -> Gradient:
    """Loss, gradients, tape and upstream gradient of one step of kernels, which changes nothing.

    `rows`, `(replicas, examples)`, as arranged and with their company.
    """
    done = step_of(stack, rows, noise)
    return Gradient(done.losses[0], stack.velocities, *_taped(stack, done.passed))


def step_of(stack: Stack, rows: Array, noise: Generators) -> Advanced:
    """Such a step: its gradients are the velocities of the stack."""
    optimizer = descent_of(stack.training.optimizer)
    plain = PLAIN._replace(adam=optimizer.adam if optimizer else None)
    before = stack.references, stack.done
    done = stack.take(rows[:, None], plain, [0.0], np.zeros(1, bool), noise)
    stack.references, stack.done = before
    return done


def _taped(stack: Stack, passed: list[Passed]) -> tuple[dict[str, Any], Array]:
    """The tape of the pass whose numbers lie in the stack, and its upstream gradient."""
    layers = stack.layout.layers
    tape: dict[str, Any] = {}
    for part, layer in zip(at_dense_layers(stack.training.network), layers, strict=True):
        tape[part[0][0]] = _rows(stack, layer, places.INPUT, places.INPUT_ROW, places.INPUTS)
    for (_, norm, dropout, names), site, kept, draws in passed:
        tape[names.relu] = site.y > 0  # Where dropout's mask is 0 it does not matter.
        if norm is not None:
            tape[names.norm] = KERNELS[type(norm.normaliser)].tape(site, kept)
        if dropout is not None:
            assert draws is not None
            tape[names.dropout] = dropout.mask_of(draws, site.arrays.dtype)
    return tape, _rows(stack, layers[-1], places.SLOPE, places.OUTPUT_ROW, places.UNITS)


def _rows(stack: Stack, layer: Array, kind: int, row: int, width: int) -> Array:
    """A matrix of the pass, `(replicas, examples, numbers)`."""
    whole = matrix(stack.arrays, layer[kind], stack.sizes.examples, layer[row])
    return np.ascontiguousarray(whole[:, :, : layer[width]])


def _differing(
    network: Network, parameters: NetworkParameters, gradient: Gradient
) -> tuple[str, ...]:
    """Names gradients that are not those of NumPy's backward pass over the same tape."""
    _, expected = network.backward(parameters, gradient.tape, gradient.upstream)
    norms = [part for part in gradient.tape.values() if isinstance(part, NormTape)]
    stretches = [np.max(part.inverse_deviation) * max(1, np.max(part.scale)) for part in norms]
    # A gradient may cancel to nothing, as with two examples: its terms are as large as these.
    largest = max([1.0, *stretches]) * max(np.max(np.abs(g)) for g in arrays(expected))
    allowed = ROUNDINGS * np.finfo(gradient.upstream.dtype).eps * largest
    return tuple(
        f"compiled gradient of {name}'s {key}"
        for name, by_name in expected.items()
        for key, values in by_name.items()
        if not np.max(np.abs(gradient.gradients[name][key] - values)) <= allowed
    )

"""The check of every norm of a training step against its identities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from caviar.model.contract import Array, Layer, NetworkParameters
from caviar.model.identities.check import Check, Invariants, check_site, worst
from caviar.model.identities.identity import relative
from caviar.model.identities.site import Site, site_of
from caviar.model.layers import Dense, Dropout
from caviar.model.network import Network
from caviar.model.norms.norm import Norm
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.setup import Training


class Proved(NamedTuple):
    """The replicas of a training run that are checked."""

    training: Training
    examples: Examples
    parameters: NetworkParameters


def proved(training: Training, examples: Examples, parameters: NetworkParameters) -> Proved:
    """The first and the last replica of a run, each on its own data and from its own streams.

    One code computes all replicas, and what it could get wrong by the place of a replica shows in
    the last.
    """
    if len(training.seeds) <= 2:
        return Proved(training, examples, parameters)
    ends = np.array([0, len(training.seeds) - 1])
    return Proved(
        replace(training, seeds=tuple(training.seeds[r] for r in ends)),
        examples.of_replicas(ends),
        each(lambda array: array[ends], parameters),
    )


def check_step(
    network: Network, parameters: NetworkParameters, tape: dict[str, Any], upstream: Array
) -> Invariants | None:
    """Invariants of every normalising layer with a dense layer in front; None without one.

    `tape` is that of the step's forward pass, `upstream` the gradient of the loss with
    respect to its output. Nothing is changed and no randomness used.
    """
    checks = []
    dy, layers = upstream, network.layers
    for i in reversed(range(len(layers))):
        name, layer = layers[i]
        layer_parameters = parameters[name]
        before, dense = layers[i - 1]
        if i and isinstance(layer, Norm) and isinstance(dense, Dense):
            weights = parameters[before]
            site = site_of(layer, layer_parameters, tape[name], dense, weights, tape[before], dy)
            checks += [check_site(site), _output(site, layers[i + 1 :], parameters, tape)]
        dy, _ = layer.backward(layer_parameters, tape[name], dy)
    return worst(checks) if checks else None


def _output(
    site: Site,
    after: tuple[tuple[str, Layer], ...],
    parameters: NetworkParameters,
    tape: dict[str, Any],
) -> dict[str, Check]:
    """Whether the next dense layer got gamma z + beta; empty if a norm comes before it."""
    gamma, beta = site.parameters["gamma"], site.parameters["beta"]
    stretched = site.z.reshape(site.dy.shape).astype(site.inputs.dtype) * gamma
    y, size = stretched + beta, np.abs(stretched) + np.abs(beta)
    for name, layer in after:
        if isinstance(layer, Dense):
            error = relative(y - tape[name], size)
            return {"output": Check(float(np.max(error)), 8 * site.unit)}
        if isinstance(layer, Norm):
            break
        if isinstance(layer, Dropout):
            y, size = y * tape[name], size * tape[name]
        else:
            # Activations do not amplify differences.
            y, _ = layer.forward(parameters[name], y, ())
    return {}

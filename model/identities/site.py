"""A normalising layer in one training step, in the groups that share its statistics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from caviar.model.contract import Array, NormTape, Parameters
from caviar.model.layers import Dense


class Normalising(Protocol):
    """The layer at a site: gamma and beta around a normaliser."""

    @property
    def normaliser(self) -> Any: ...

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]: ...


@dataclass(frozen=True)
class Site:
    """A normalising layer behind a dense layer, with the tapes of both.

    `inputs` are the dense layer's and `dy` is the gradient at the norm's output, both
    `(replicas, batch, features)`. The rest is double precision and in the groups that share
    statistics, `(replicas, groups, size, features)`; in a layer norm every example is a group
    of its features. `h` are the norm's inputs, `x_hat` the normalised inputs, `scale` the constant
    factor on x_hat (1 except in arms that distort it) and `z` what gamma multiplies. `mean` and
    `variance` are the tape's, or computed from `h` where it has none. `reach`: rounding moves x_hat
    by this many units, because a mean far from zero costs digits.
    """

    layer: Normalising
    parameters: Parameters
    tape: NormTape
    dense: Dense
    weights: Parameters
    inputs: Array
    dy: Array
    h: Array
    x_hat: Array
    inverse_deviation: Array
    mean: Array
    variance: Array
    scale: Array
    z: Array
    reach: Array

    @property
    def normaliser(self) -> Any:
        """The arm: its settings, and its backward pass behind gamma."""
        return self.layer.normaliser

    @property
    def epsilon(self) -> float:
        return float(self.normaliser.epsilon)

    @property
    def size(self) -> int:
        """Values behind one mean and one variance."""
        return int(self.h.shape[2])

    @property
    def batch(self) -> int:
        return int(self.inputs.shape[1])

    @property
    def unit(self) -> float:
        """The distance from 1 to the next number of the step's precision."""
        return float(np.finfo(self.inputs.dtype).eps)

    @property
    def lost(self) -> Array:
        """1 - q = epsilon / (v + epsilon) of the v that x_hat was divided by."""
        return np.asarray(self.epsilon * self.inverse_deviation**2)

    def input_gradient(self, upstream: Array) -> Array:
        """The input gradient for `upstream` at gamma 1, both in groups."""
        gains = {"gamma": np.ones_like, "beta": np.zeros_like}
        parameters = self.parameters | {k: fill(self.parameters[k]) for k, fill in gains.items()}
        flat = upstream.astype(self.inputs.dtype).reshape(self.dy.shape)
        dx, _ = self.layer.backward(parameters, self.tape, flat)
        return _double(dx).reshape(self.h.shape)

    @cached_property
    def dz(self) -> Array:
        """The gradient of the loss with respect to `z`, in groups."""
        return (_double(self.dy) * self.parameters["gamma"]).reshape(self.h.shape)

    @cached_property
    def gradients(self) -> tuple[Array, Parameters]:
        """The step's backward pass: gradients by the norm's inputs and by its gains."""
        return self.layer.backward(self.parameters, self.tape, self.dy)

    @cached_property
    def probe(self) -> Array:
        """An upstream gradient that no statistics cancel, at the step's precision."""
        return _double((1 + self.x_hat).astype(self.inputs.dtype))

    @cached_property
    def probed(self) -> Array:
        """The backward pass of `probe`."""
        return self.input_gradient(self.probe)


def site_of(
    layer: Normalising,
    parameters: Parameters,
    tape: NormTape,
    dense: Dense,
    weights: Parameters,
    inputs: Array,
    dy: Array,
) -> Site:
    """The step's arrays in groups; the dense layer's output is computed again."""
    x_hat, inverse_deviation = _double(tape.x_hat), _double(tape.inverse_deviation)
    h = _double(dense.forward(weights, inputs, ())[0]).reshape(x_hat.shape)
    if tape.moments is not None:
        mean, variance = (_double(part)[:, :, None] for part in tape.moments)
        far = np.abs(h).max(axis=(1, 2), keepdims=True)
    else:
        mean, variance = (f(h, axis=2, keepdims=True) for f in (np.mean, np.var))
        far = np.abs(h).max(axis=2, keepdims=True)
    return Site(
        layer,
        parameters,
        tape,
        dense,
        weights,
        inputs,
        dy,
        h,
        x_hat,
        inverse_deviation,
        mean,
        variance,
        np.broadcast_to(_double(tape.scale), x_hat.shape),
        _double(tape.z),
        1 + far * inverse_deviation,
    )


def _double(x: Array) -> Array:
    return x.astype(np.float64)

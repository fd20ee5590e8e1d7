"""A normalising layer in one training step, seen in the groups that share its statistics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from caviar.model.contract import Array, Parameters
from caviar.model.layers import Dense
from caviar.model.network import AnyBatchNorm
from caviar.model.norms.distorted import DistortedTape
from caviar.model.norms.injected_noise import NoisyNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.standardise import NormTape


@dataclass(frozen=True)
class Place:
    """A normalising layer behind a dense layer, with the tapes of both.

    `inputs` are the dense layer's and `dy` is the gradient by the norm's output, both
    `(replicas, batch, features)`. The rest is double precision and in the groups that share
    statistics, `(replicas, groups, size, features)`; in a layer norm every example is a group
    of its features. `h` are the norm's inputs, `x_hat` they normalised, `scale` the constant
    factor on x_hat (1 but in arms that distort it) and `z` what gamma multiplies. `mean` and
    `variance` are the tape's, a layer norm's computed from `h`. `reach`: rounding moves x_hat
    by this many units, because a mean far from zero costs digits.
    """

    layer: AnyBatchNorm | LayerNorm
    parameters: Parameters
    tape: Any
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
    def epsilon(self) -> float:
        return self.layer.epsilon

    @property
    def size(self) -> int:
        """Values behind one mean and one variance."""
        return int(self.h.shape[2])

    @property
    def batch(self) -> int:
        return int(self.inputs.shape[1])

    @property
    def sharing(self) -> int:
        """Examples that are to share one mean and one variance."""
        if isinstance(self.layer, LayerNorm):
            return 1
        return self.batch if isinstance(self.layer, NoisyNorm) else self.layer.norm_batch_size

    @property
    def unit(self) -> float:
        """The distance from 1 to the next number of the step's precision."""
        return float(np.finfo(self.inputs.dtype).eps)

    @property
    def lost(self) -> Array:
        """1 - q = epsilon / (v + epsilon) of the v that x_hat was divided by."""
        return np.asarray(self.epsilon * self.inverse_deviation**2)

    def input_gradient(self, upstream: Array) -> Array:
        """The backward pass of `upstream` by the norm's input at gamma 1, both in groups."""
        gains = {"gamma": np.ones_like, "beta": np.zeros_like}
        at = self.parameters | {k: fill(self.parameters[k]) for k, fill in gains.items()}
        flat = upstream.astype(self.inputs.dtype).reshape(self.dy.shape)
        dx, _ = self.layer.backward(at, self.tape, flat)
        return _double(dx).reshape(self.h.shape)

    @cached_property
    def dz(self) -> Array:
        """The gradient of the loss by `z`, in groups."""
        return (_double(self.dy) * self.parameters["gamma"]).reshape(self.h.shape)

    @cached_property
    def gradients(self) -> tuple[Array, Parameters]:
        """The step's own backward pass: of the loss by the norm's inputs and by its gains."""
        return self.layer.backward(self.parameters, self.tape, self.dy)

    @cached_property
    def probe(self) -> Array:
        """An upstream gradient by `z` that no statistics take away, at the step's precision."""
        return _double((1 + self.x_hat).astype(self.inputs.dtype))

    @cached_property
    def probed(self) -> Array:
        """The backward pass of `probe`."""
        return self.input_gradient(self.probe)


def place(
    layer: AnyBatchNorm | LayerNorm,
    parameters: Parameters,
    tape: Any,
    dense: Dense,
    weights: Parameters,
    inputs: Array,
    dy: Array,
) -> Place:
    """The step's arrays in groups; the dense layer's output is computed once more."""
    plain = tape.plain if isinstance(tape, DistortedTape) else tape
    x_hat, inverse_deviation = (_double(part) for part in plain[:2])
    h = _double(dense.forward(weights, inputs, ())[0]).reshape(x_hat.shape)
    if isinstance(plain, NormTape):
        mean, variance = (_double(part)[:, :, None] for part in plain.moments)
        far = np.abs(h).max(axis=(1, 2), keepdims=True)
    else:
        mean, variance = (f(h, axis=2, keepdims=True) for f in (np.mean, np.var))
        far = np.abs(h).max(axis=2, keepdims=True)
    distorted = isinstance(tape, DistortedTape)
    return Place(
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
        np.broadcast_to(_double(tape.scale) if distorted else 1.0, x_hat.shape),
        _double(tape.distorted) if distorted else x_hat,
        1 + far * inverse_deviation,
    )


def _double(x: Array) -> Array:
    return x.astype(np.float64)

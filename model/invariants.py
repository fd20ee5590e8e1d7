"""Exact identities of batch norm, checked on a training step's own tape.

A right batch norm misses them by rounding alone, a wrong one by far more, so the first steps
of a trial can prove that its numbers come from batch norm. Every error is taken relative to
the size of the terms that cancel in it, which is what rounding is proportional to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from model.layers import Array, Dense, Layer, Parameters
from model.network import Network
from model.norm import BatchNorm, NormTape, batch_moments, grouped

COUPLED_FEATURES = 4
"""Features whose whole Jacobian is built, so that m passes of m examples stay cheap."""


class Check(NamedTuple):
    """The largest error of an identity, and the most that rounding explains."""

    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether rounding explains the error; never for one that is not finite."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Invariants:
    """What held and what did not, over layers, replicas, ghosts and features.

    With x_hat, mean and v of ghosts of m, epsilon, and q = v / (v + epsilon):
    `moments`: the tape's mean and v are those of consecutive examples, v biased.
    `deviation`: inverse deviation^2 (v + epsilon) = 1.
    `centre`: the sum of x_hat is 0.
    `scale`: the mean of x_hat^2 is q.
    `bound`: |x_hat| <= sqrt(m - 1) (Samuelson 1968).
    `shift_null`: the backward pass of an all-ones gradient is 0.
    `scale_null`: that of x_hat is (1 - q) x_hat over the deviation, 0 but for epsilon.
    `orthogonality`: <w_j, dL/dw_j> is (1 - q) times the sum of x_hat and its gradient, 0 but
    for epsilon (weights in front of a batch norm have no radial gradient).
    `coupling`: the Jacobian's energy off the diagonal is 1 + q^2 - (1 + 2 q + mean x_hat^4) / m
    in units of the inverse deviation, on one ghost: 2 - (3 + kurtosis) / m at epsilon 0.
    """

    moments: Check
    deviation: Check
    centre: Check
    scale: Check
    bound: Check
    shift_null: Check
    scale_null: Check
    orthogonality: Check
    coupling: Check

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the identities that did not hold."""
        return tuple(f.name for f in fields(self) if not getattr(self, f.name).passed)

    @property
    def passed(self) -> bool:
        return not self.failed


def check_step(
    network: Network, parameters: Parameters, tape: dict[str, Any], upstream: Array
) -> Invariants | None:
    """Invariants of every batch norm with a dense layer in front; None without one.

    `tape` is that of the step's forward pass, `upstream` the gradient of the loss by its
    output. Nothing is changed and no randomness used.
    """
    found = []
    dy = upstream
    in_front: list[tuple[str | None, Layer | None]] = [(None, None), *network.layers[:-1]]
    for (name, layer), (before, dense) in zip(
        reversed(network.layers), reversed(in_front), strict=True
    ):
        own = _own(parameters, name)
        if isinstance(layer, BatchNorm) and isinstance(dense, Dense) and before is not None:
            weights = _own(parameters, before)
            place = Place(layer, own, tape[name], dense, weights, tape[before], dy)
            found.append(check_layer(place))
        dy, _ = layer.backward(own, tape[name], dy)
    return _worst(found) if found else None


class Place(NamedTuple):
    """A batch norm behind a dense layer in one step; `dy` is the gradient by its output."""

    layer: BatchNorm
    parameters: Parameters
    tape: NormTape
    dense: Dense
    weights: Parameters
    inputs: Array
    dy: Array


def check_layer(at: Place) -> Invariants:
    """Invariants of one batch norm; `inputs` and `dy` are `(replicas, batch, features)`."""
    m, features = at.layer.norm_batch_size, at.inputs.shape[2]
    h, _ = at.dense.forward(at.weights, at.inputs, ())
    # Rounding moves x_hat by this many units: a mean far from zero costs digits.
    reach = 1 + np.abs(h).max(axis=1)[:, None, None] * _double(at.tape.inverse_deviation)
    errors = _of_forward(at.layer, at.tape, h, reach) | _of_backward(at.layer, at.tape, reach)
    errors |= {"orthogonality": _radial(at, reach), "coupling": _coupling(at.layer, at.tape)}
    roundings = dict.fromkeys(errors, 4.0 * (m + 8)) | {
        "deviation": 4,
        "scale": 8 * m**0.5,
        "orthogonality": 8 * (m + features) ** 0.5,
    }
    unit = float(np.finfo(at.dy.dtype).eps)
    return Invariants(
        **{name: Check(float(np.max(e)), roundings[name] * unit) for name, e in errors.items()}
    )


def _of_forward(layer: BatchNorm, tape: NormTape, h: Array, reach: Array) -> dict[str, Array]:
    m = layer.norm_batch_size
    x_hat, inverse_deviation = _double(tape.x_hat), _double(tape.inverse_deviation)
    mean, variance = (_double(part)[:, :, None] for part in tape.moments)
    exact = batch_moments(_double(h), m)
    true_mean, true_variance = (part[:, :, None] for part in exact)
    spread = true_variance + layer.epsilon
    kept = _kept(tape, layer.epsilon)
    shift = np.abs(mean - true_mean) / np.sqrt(spread) / reach
    stretch = np.abs(variance - true_variance) / spread / reach**2
    return {
        "moments": np.maximum(shift, stretch),
        "deviation": np.abs(inverse_deviation**2 * (variance + layer.epsilon) - 1),
        "centre": np.abs(x_hat.mean(axis=2, keepdims=True)) / reach,
        "scale": np.abs(np.mean(x_hat**2, axis=2, keepdims=True) - kept),
        "bound": np.maximum(np.abs(x_hat) - np.sqrt(m - 1), 0) / reach,
    }


def _of_backward(layer: BatchNorm, tape: NormTape, reach: Array) -> dict[str, Array]:
    shape, flat = tape.x_hat.shape, (len(tape.x_hat), -1, tape.x_hat.shape[3])
    unit = _unit(tape)
    x_hat = _double(tape.x_hat)
    size = (1 + np.abs(x_hat).max(axis=2, keepdims=True)) * reach
    ones, _ = layer.backward(unit, tape, np.ones_like(tape.x_hat).reshape(flat))
    along, _ = layer.backward(unit, tape, tape.x_hat.reshape(flat))
    shifted, scaled = (
        _double(dx).reshape(shape) / _double(tape.inverse_deviation) for dx in (ones, along)
    )
    return {
        "shift_null": np.abs(shifted) / size,
        "scale_null": np.abs(scaled - (1 - _kept(tape, layer.epsilon)) * x_hat) / size,
    }


def _radial(at: Place, reach: Array) -> Array:
    """Error of <w_j, dL/dw_j>, relative to the terms it sums, `(replicas, units)`."""
    dh, _ = at.layer.backward(at.parameters, at.tape, at.dy)
    _, gradients = at.dense.backward(at.weights, at.inputs, dh)
    x_hat = _double(at.tape.x_hat)
    inner = sum(np.sum(_double(w) * gradients[k], axis=1) for k, w in at.weights.items())
    dx_hat = grouped(_double(at.dy) * at.parameters["gamma"], at.layer.norm_batch_size)
    product = dx_hat * x_hat
    expected = np.sum((1 - _kept(at.tape, at.layer.epsilon)) * product, axis=(1, 2))
    size = np.abs(dx_hat) + np.abs(dx_hat).mean(axis=2, keepdims=True)
    size += np.abs(x_hat) * np.abs(product).mean(axis=2, keepdims=True)
    size *= _double(at.tape.inverse_deviation) * reach
    positive = {k: np.abs(_double(w)) for k, w in at.weights.items()}
    terms, _ = at.dense.forward(positive, np.abs(_double(at.inputs)), ())
    scale = np.sum(terms * size.reshape(at.dy.shape), axis=1)
    return np.asarray(np.abs(inner - expected) / np.where(scale == 0, 1, scale))


def _coupling(layer: BatchNorm, tape: NormTape) -> Array:
    """Error of the energy between examples in the first ghost's Jacobian, `(features,)`."""
    m, few = layer.norm_batch_size, slice(COUPLED_FEATURES)
    x_hat = _double(tape.x_hat[0, 0, :, few])
    inverse_deviation = tape.inverse_deviation[:1, :1, :, few]
    # One replica for each example's unit gradient: the whole Jacobian in one pass.
    stacked = NormTape(
        np.broadcast_to(tape.x_hat[:1, :1, :, few], (m, 1, *x_hat.shape)),
        np.broadcast_to(inverse_deviation, (m, *inverse_deviation.shape[1:])),
        tape.moments,
    )
    units = np.eye(m, dtype=tape.x_hat.dtype)[:, :, None]
    upstream = np.broadcast_to(units, (m, *x_hat.shape))
    dx, _ = layer.backward(_unit(stacked), stacked, upstream)
    jacobian = _double(dx) / _double(inverse_deviation)[0]
    jacobian[np.arange(m), np.arange(m)] = 0
    energy = np.sum(jacobian**2, axis=0).sum(axis=0)
    kept = _kept(tape, layer.epsilon)[0, 0, 0, few]
    expected = 1 + kept**2 - (1 + 2 * kept + np.mean(x_hat**4, axis=0)) / m
    # The mean is 0 but for rounding, which a constant feature far from 0 makes large.
    return np.asarray(np.abs(energy - expected - 2 * np.mean(x_hat, axis=0) ** 2))


def _kept(tape: NormTape, epsilon: float) -> Array:
    """q = v / (v + epsilon), `(replicas, ghosts, 1, features)`."""
    variance = _double(tape.moments.variance)[:, :, None]
    return np.asarray(variance / (variance + epsilon))


def _unit(tape: NormTape) -> Parameters:
    replicas, _, _, features = tape.x_hat.shape
    shape, dtype = (replicas, 1, features), tape.x_hat.dtype
    return {"gamma": np.ones(shape, dtype), "beta": np.zeros(shape, dtype)}


def _double(x: Array) -> Array:
    return x.astype(np.float64)


def _worst(found: list[Invariants]) -> Invariants:
    return Invariants(
        **{
            f.name: max((getattr(one, f.name) for one in found), key=_excess)
            for f in fields(Invariants)
        }
    )


def _excess(check: Check) -> float:
    return check.error / check.tolerance if np.isfinite(check.error) else np.inf


def _own(parameters: Parameters, name: str) -> Parameters:
    prefix = name + "."
    return {k[len(prefix) :]: v for k, v in parameters.items() if k.startswith(prefix)}

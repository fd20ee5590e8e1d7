"""Exact identities of standardised values and of the gradient through their statistics.

Each function gives the errors of one identity at one place, relative to the size of the terms
that cancel in it, which is what rounding is proportional to. What they say is in
`caviar.model.identities.check.Invariants`.
"""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.site import Place
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.standardise import NormTape

COUPLED_FEATURES = 4
"""Features whose whole Jacobian is built, so that m passes of m examples stay cheap."""


def moments(at: Place) -> Array:
    if at.size != at.sharing:
        return np.array(np.inf)
    true_mean, true_variance = (f(at.h, axis=2, keepdims=True) for f in (np.mean, np.var))
    spread = true_variance + at.epsilon
    reach = 1 + np.abs(at.h).max(axis=(1, 2), keepdims=True) / np.sqrt(spread)
    shift = relative(at.mean - true_mean, np.sqrt(spread) * reach)
    return np.maximum(shift, relative(at.variance - true_variance, spread * reach**2))


def deviation(at: Place) -> Array:
    return relative(at.inverse_deviation**2 * (at.variance + at.epsilon) - 1, 1)


def deviation_from_inputs(at: Place) -> Array:
    """`deviation` where the tape has no variance."""
    return relative(deviation(at), at.reach**2)


def definition(at: Place) -> Array:
    expected = (at.h - at.h.mean(axis=2, keepdims=True)) * at.inverse_deviation
    return relative(at.x_hat - expected, at.reach)


def centre(at: Place) -> Array:
    return relative(at.x_hat.mean(axis=2, keepdims=True), at.reach)


def scale(at: Place) -> Array:
    return relative(np.mean(at.x_hat**2, axis=2, keepdims=True) - (1 - at.lost), 1)


def bound(at: Place) -> Array:
    return relative(np.maximum(np.abs(at.x_hat) - np.sqrt(at.size - 1), 0), at.reach)


def shift_null(at: Place) -> Array:
    dx = at.input_gradient(1 / at.scale) / at.inverse_deviation
    return relative(dx, _size(at))


def scale_null(at: Place) -> Array:
    dx = at.input_gradient(at.x_hat / at.scale) / at.inverse_deviation
    return relative(dx - at.lost * at.x_hat, _size(at))


def _size(at: Place) -> Array:
    return np.asarray((1 + np.abs(at.x_hat).max(axis=2, keepdims=True)) * at.reach)


def influence(at: Place) -> Array:
    first = one_hot(at)
    dx = at.input_gradient(first) / at.inverse_deviation
    x_hat_0, scale_0 = at.x_hat[:, :, :1], at.scale[:, :, :1]
    expected = scale_0 * (first - (1 + at.x_hat * x_hat_0) / at.size)
    return relative(dx - expected, scale_0)


def one_hot(at: Place) -> Array:
    """1 at the first value of every group, 0 at the others."""
    first = np.zeros(at.h.shape)
    first[:, :, 0] = 1
    return first


def orthogonality(at: Place) -> Array:
    inner, expected, terms = _radial(at)
    return relative(inner - expected, terms)


def orthogonality_of_the_matrix(at: Place) -> Array:
    """`orthogonality` where statistics go over the units: of all weights together."""
    inner, expected, terms = (part.sum(axis=1) for part in _radial(at))
    return relative(inner - expected, terms)


def _radial(at: Place) -> tuple[Array, Array, Array]:
    """<w_j, dL/dw_j>, what it should be and the terms it sums, each `(replicas, units)`."""
    dx_hat = at.dz * at.scale
    product = dx_hat * at.x_hat
    size = np.abs(dx_hat) + np.abs(dx_hat).mean(axis=2, keepdims=True)
    size += np.abs(at.x_hat) * np.abs(product).mean(axis=2, keepdims=True)
    size *= at.inverse_deviation * at.reach
    expected = (at.lost * product).reshape(at.dy.shape).sum(axis=1)
    return along_weights(at), expected, through_weights(at, size)


def along_weights(at: Place) -> Array:
    """<w_j, dL/dw_j>, a bias counted in, `(replicas, units)`."""
    _, gradients = at.dense.backward(at.weights, at.inputs, at.gradients[0])
    parts = [np.sum(w * gradients[k].astype(np.float64), axis=1) for k, w in at.weights.items()]
    return np.asarray(np.sum(parts, axis=0))


def through_weights(at: Place, size: Array) -> Array:
    """Size of the terms of `along_weights` where those of dL/dh have `size`, in groups."""
    positive = {k: np.abs(w.astype(np.float64)) for k, w in at.weights.items()}
    terms, _ = at.dense.forward(positive, np.abs(at.inputs.astype(np.float64)), ())
    return np.asarray(np.sum(terms * size.reshape(at.dy.shape), axis=1))


def gains(at: Place) -> Array:
    _, found = at.gradients
    dy, z = at.dy.astype(np.float64), at.z.reshape(at.dy.shape)
    pairs = {"gamma": dy * z, "beta": dy}
    gamma, beta = (
        relative(found[k] - terms.sum(axis=1, keepdims=True), np.abs(terms).sum(axis=1)[:, None])
        for k, terms in pairs.items()
    )
    return np.asarray(np.maximum(gamma, beta))


def coupling(at: Place) -> Array:
    assert isinstance(at.layer, BatchNorm)
    m, few = at.size, slice(COUPLED_FEATURES)
    x_hat, inverse_deviation = at.x_hat[0, 0, :, few], at.tape.inverse_deviation[:1, :1, :, few]
    # One replica for each example's unit gradient: the whole Jacobian in one pass.
    stacked = NormTape(
        np.broadcast_to(at.tape.x_hat[:1, :1, :, few], (m, 1, *x_hat.shape)),
        np.broadcast_to(inverse_deviation, (m, *inverse_deviation.shape[1:])),
        at.tape.moments,
    )
    units = np.eye(m, dtype=at.inputs.dtype)[:, :, None]
    one = np.ones((m, 1, x_hat.shape[1]), at.inputs.dtype)
    upstream = np.broadcast_to(units, (m, *x_hat.shape))
    dx, _ = at.layer.backward({"gamma": one, "beta": 0 * one}, stacked, upstream)
    jacobian = dx.astype(np.float64) / inverse_deviation[0]
    jacobian[np.arange(m), np.arange(m)] = 0
    energy = np.sum(jacobian**2, axis=0).sum(axis=0)
    kept = 1 - at.lost[0, 0, 0, few]
    expected = 1 + kept**2 - (1 + 2 * kept + np.mean(x_hat**4, axis=0)) / m
    # The mean is 0 but for rounding, which a constant feature far from 0 makes large.
    return relative(energy - expected - 2 * np.mean(x_hat, axis=0) ** 2, 1)


def relative(error: Array, size: Array | float) -> Array:
    """Absolute errors in units of `size`: where every term is 0, so is the error."""
    return np.asarray(np.abs(error) / np.where(np.equal(size, 0), 1, size))

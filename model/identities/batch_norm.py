"""Exact identities of standardised values and of the gradient through their statistics.

Each function gives the errors of one identity at one site, relative to the size of the terms
that cancel in it, to which rounding is proportional. `caviar.model.identities.check.Invariants`
states the identities.
"""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.identity import Identity, batch, few, products, relative, squares
from caviar.model.identities.site import Site

COUPLED_FEATURES = 4
"""Most features whose whole Jacobian is built."""

ENTRIES = 2**18
"""Most entries of these Jacobians, but for one feature: m passes of m examples stay cheap."""


def moments(site: Site) -> Array:
    if site.size != site.normaliser.sharing(site.batch):
        return np.array(np.inf)
    true_mean, true_variance = (f(site.h, axis=2, keepdims=True) for f in (np.mean, np.var))
    spread = true_variance + site.epsilon
    reach = 1 + np.abs(site.h).max(axis=(1, 2), keepdims=True) / np.sqrt(spread)
    shift = relative(site.mean - true_mean, np.sqrt(spread) * reach)
    return np.maximum(shift, relative(site.variance - true_variance, spread * reach**2))


def deviation(site: Site) -> Array:
    return relative(site.inverse_deviation**2 * (site.variance + site.epsilon) - 1, 1)


def deviation_from_inputs(site: Site) -> Array:
    """`deviation` where the tape has no variance."""
    return relative(deviation(site), site.reach**2)


def definition(site: Site) -> Array:
    expected = (site.h - site.h.mean(axis=2, keepdims=True)) * site.inverse_deviation
    return relative(site.x_hat - expected, site.reach)


def centre(site: Site) -> Array:
    return relative(site.x_hat.mean(axis=2, keepdims=True), site.reach)


def scale(site: Site) -> Array:
    return relative(np.mean(site.x_hat**2, axis=2, keepdims=True) - (1 - site.lost), 1)


def bound(site: Site) -> Array:
    return relative(np.maximum(np.abs(site.x_hat) - np.sqrt(site.size - 1), 0), site.reach)


def shift_null(site: Site) -> Array:
    dx = site.input_gradient(1 / site.scale) / site.inverse_deviation
    return relative(dx, _size(site))


def scale_null(site: Site) -> Array:
    dx = site.input_gradient(site.x_hat / site.scale) / site.inverse_deviation
    return relative(dx - site.lost * site.x_hat, _size(site))


def _size(site: Site) -> Array:
    return np.asarray((1 + np.abs(site.x_hat).max(axis=2, keepdims=True)) * site.reach)


def influence(site: Site) -> Array:
    first = one_hot(site)
    dx = site.input_gradient(first) / site.inverse_deviation
    x_hat_0, scale_0 = site.x_hat[:, :, :1], site.scale[:, :, :1]
    expected = scale_0 * (first - (1 + site.x_hat * x_hat_0) / site.size)
    return relative(dx - expected, scale_0)


def one_hot(site: Site) -> Array:
    """1 at the first value of every group, 0 at the others."""
    first = np.zeros(site.h.shape)
    first[:, :, 0] = 1
    return first


def orthogonality(site: Site) -> Array:
    inner, expected, terms = _radial(site)
    return relative(inner - expected, terms)


def orthogonality_of_groups(site: Site) -> Array:
    """`orthogonality` where statistics go over units: for all weights of a group together."""
    inner, expected, terms = (
        part.reshape(len(part), -1, site.size).sum(axis=2) for part in _radial(site)
    )
    return relative(inner - expected, terms)


def _radial(site: Site) -> tuple[Array, Array, Array]:
    """<w_j, dL/dw_j>, its expected value and the size of its terms, each `(replicas, units)`."""
    dx_hat = site.dz * site.scale
    product = dx_hat * site.x_hat
    size = np.abs(dx_hat) + np.abs(dx_hat).mean(axis=2, keepdims=True)
    size += np.abs(site.x_hat) * np.abs(product).mean(axis=2, keepdims=True)
    size *= site.inverse_deviation * site.reach
    expected = (site.lost * product).reshape(site.dy.shape).sum(axis=1)
    return along_weights(site), expected, through_weights(site, size)


def along_weights(site: Site) -> Array:
    """<w_j, dL/dw_j>, including a bias, `(replicas, units)`."""
    _, gradients = site.dense.backward(site.weights, site.inputs, site.gradients[0])
    parts = [np.sum(w * gradients[k].astype(np.float64), axis=1) for k, w in site.weights.items()]
    return np.asarray(np.sum(parts, axis=0))


def through_weights(site: Site, size: Array) -> Array:
    """Size of the terms of `along_weights` where those of dL/dh have `size`, in groups."""
    positive = {k: np.abs(w.astype(np.float64)) for k, w in site.weights.items()}
    terms, _ = site.dense.forward(positive, np.abs(site.inputs.astype(np.float64)), ())
    return np.asarray(np.sum(terms * size.reshape(site.dy.shape), axis=1))


def gains(site: Site) -> Array:
    _, gradients = site.gradients
    dy, z = site.dy.astype(np.float64), site.z.reshape(site.dy.shape)
    pairs = {"gamma": dy * z, "beta": dy}
    gamma, beta = (
        relative(
            gradients[k] - terms.sum(axis=1, keepdims=True), np.abs(terms).sum(axis=1)[:, None]
        )
        for k, terms in pairs.items()
    )
    return np.asarray(np.maximum(gamma, beta))


def coupling(site: Site) -> Array:
    m = site.size
    some = slice(max(1, min(COUPLED_FEATURES, ENTRIES // m**2)))
    x_hat, inverse_deviation = (
        site.x_hat[0, 0, :, some],
        site.tape.inverse_deviation[:1, :1, :, some],
    )
    # One replica for each example's unit gradient: the whole Jacobian in one pass.
    stacked = site.tape._replace(
        x_hat=np.broadcast_to(site.tape.x_hat[:1, :1, :, some], (m, 1, *x_hat.shape)),
        inverse_deviation=np.broadcast_to(inverse_deviation, (m, *inverse_deviation.shape[1:])),
    )
    units = np.eye(m, dtype=site.inputs.dtype)[:, None, :, None]
    upstream = np.broadcast_to(units, (m, 1, *x_hat.shape))
    dx = site.normaliser.backward({}, stacked, upstream)[:, 0]
    jacobian = dx.astype(np.float64) / inverse_deviation[0]
    jacobian[np.arange(m), np.arange(m)] = 0
    energy = np.sum(jacobian**2, axis=0).sum(axis=0)
    kept = 1 - site.lost[0, 0, 0, some]
    expected = 1 + kept**2 - (1 + 2 * kept + np.mean(x_hat**4, axis=0)) / m
    # The mean is 0 except for rounding, which a constant feature far from 0 makes large.
    return relative(energy - expected - 2 * np.mean(x_hat, axis=0) ** 2, 1)


GAINS = {"gains": Identity(gains, batch)}
STANDARDISED = GAINS | {
    "definition": Identity(definition),
    "centre": Identity(centre),
    "scale": Identity(scale, squares),
    "bound": Identity(bound),
}
"""What holds for every x_hat of mean 0 and variance q."""

TAPED = {"moments": Identity(moments), "deviation": Identity(deviation, few)}
"""What holds where the tape has a mean and a variance per group."""

THROUGH_STATISTICS = {
    "shift_null": Identity(shift_null),
    "scale_null": Identity(scale_null),
    "influence": Identity(influence),
    "orthogonality": Identity(orthogonality, products),
}
"""What holds for a gradient through mean and variance."""

COUPLED = {"coupling": Identity(coupling)}

OVER_FEATURES = (
    STANDARDISED
    | THROUGH_STATISTICS
    | {
        "deviation": Identity(deviation_from_inputs),
        "orthogonality": Identity(orthogonality_of_groups, products),
    }
)
"""What holds where statistics go over features of one example."""

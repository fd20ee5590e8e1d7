"""Exact identities of the control arms, where they differ from batch norm's.

As in `model.identities`, each function gives the errors of one identity, relative to the terms
that cancel in it.
"""

from __future__ import annotations

import numpy as np

from model.identities import along_weights, one_hot, relative, through_weights
from model.layers import Array
from model.place import Place


def others_deviation(at: Place) -> Array:
    """The variance of the others is a difference: it costs digits where little is left of it."""
    variance = _variance_of_others(at)
    cancelled = (at.h.var(axis=2, keepdims=True) + at.epsilon) / (variance + at.epsilon)
    error = at.inverse_deviation**2 * (variance + at.epsilon) - 1
    return relative(error, (1 + cancelled) * at.reach**2)


def others_definition(at: Place) -> Array:
    mean = _mean_of_others(at)
    return relative(at.x_hat - (at.h - mean) * at.inverse_deviation, at.reach)


def others_influence(at: Place) -> Array:
    mean = _mean_of_others(at)
    first = one_hot(at)
    inverse_0, z_0, reach_0 = (a[:, :, :1] for a in (at.inverse_deviation, at.x_hat, at.reach))
    pull = (1 + z_0 * (at.h - mean[:, :, :1]) * inverse_0) / (at.size - 1)
    expected = inverse_0 * np.where(first == 1, 1, -pull)
    size = inverse_0 * (1 + np.abs(z_0) * reach_0)
    return relative(at.input_gradient(first) - expected, size)


def _mean_of_others(at: Place) -> Array:
    """Of the rest of the group, for every example."""
    return np.asarray((at.h.sum(axis=2, keepdims=True) - at.h) / (at.size - 1))


def _variance_of_others(at: Place) -> Array:
    """Biased, of the rest of the group, for every example."""
    c = at.h - at.h.mean(axis=2, keepdims=True)
    square = (np.sum(c**2, axis=2, keepdims=True) - c**2) / (at.size - 1)
    return np.asarray(np.maximum(square - (c / (at.size - 1)) ** 2, 0))


def next_deviation(at: Place) -> Array:
    following = np.roll(at.variance, -1, axis=1)
    return relative(at.inverse_deviation**2 * (following + at.epsilon) - 1, 1)


def next_definition(at: Place) -> Array:
    following = np.roll(at.h, -1, axis=1).mean(axis=2, keepdims=True)
    return relative(at.x_hat - (at.h - following) * at.inverse_deviation, at.reach)


def next_influence(at: Place) -> Array:
    first = one_hot(at)
    inverse = at.inverse_deviation
    # What the first example of the group before feels of this group.
    before, z_0, reach = (np.roll(a[:, :, :1], 1, axis=1) for a in (inverse, at.x_hat, at.reach))
    c = at.h - at.h.mean(axis=2, keepdims=True)
    expected = first * inverse - before * (1 + z_0 * c * before) / at.size
    size = inverse + before * (1 + np.abs(z_0) * reach)
    return relative(at.input_gradient(first) - expected, size)


def others_shift_null(at: Place) -> Array:
    return _shift_null(at, (2,))


def others_scale_null(at: Place) -> Array:
    return _scale_null(at, (2,))


def next_shift_null(at: Place) -> Array:
    return _shift_null(at, (1, 2))


def next_scale_null(at: Place) -> Array:
    return _scale_null(at, (1, 2))


def _shift_null(at: Place, sharing: tuple[int, ...]) -> Array:
    return relative(at.probed.sum(axis=sharing), _terms(at, at.probe).sum(axis=sharing))


def _scale_null(at: Place, sharing: tuple[int, ...]) -> Array:
    c = at.h - at.h.mean(axis=sharing, keepdims=True)
    expected = np.sum(at.lost * at.probe * at.x_hat, axis=sharing)
    # Centring costs digits of h, not of c.
    size = np.abs(at.h).max(axis=sharing) * _terms(at, at.probe).sum(axis=sharing)
    return relative(np.sum(c * at.probed, axis=sharing) - expected, size)


def _terms(at: Place, dz: Array) -> Array:
    """Size of what one example's gradient sends to the inputs."""
    return np.asarray(np.abs(dz) * at.inverse_deviation * (1 + np.abs(at.x_hat) * at.reach))


def others_orthogonality(at: Place) -> Array:
    return _orthogonality(at, _terms(at, at.dz).mean(axis=2, keepdims=True))


def next_orthogonality(at: Place) -> Array:
    mean = _terms(at, at.dz).mean(axis=2, keepdims=True)
    return _orthogonality(at, np.roll(mean, 1, axis=1))


def _orthogonality(at: Place, from_others: Array) -> Array:
    product = at.lost * at.dz * at.x_hat
    expected = product.reshape(at.dy.shape).sum(axis=1)
    terms = through_weights(at, _terms(at, at.dz) + from_others)
    return relative(along_weights(at) - expected, terms)


def stopped(at: Place) -> Array:
    expected = at.probe * at.inverse_deviation
    return relative(at.probed - expected, np.abs(expected))

"""Exact identities of the control arms, where they differ from batch norm's.

As in `identities.batch_norm`, each function gives the errors of one identity, relative to the
terms that cancel in it.
"""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.batch_norm import along_weights, one_hot, relative, through_weights
from caviar.model.identities.site import Place


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


def lent_deviation(at: Place) -> Array:
    return relative(at.inverse_deviation**2 * (lent(at.variance) + at.epsilon) - 1, 1)


def lent_definition(at: Place) -> Array:
    mean = lent(at.h.mean(axis=2, keepdims=True))
    return relative(at.x_hat - (at.h - mean) * at.inverse_deviation, at.reach)


def lent_influence(at: Place) -> Array:
    first, half = one_hot(at), at.h.shape[1] // 2
    inverse, x_hat = at.inverse_deviation[:, half:], at.x_hat[:, half:]
    z_0 = at.x_hat[:, :, :1]
    # What the first examples of the borrowing group and of the lending one feel of the lender.
    borrowed, own = (1 + z * x_hat for z in (z_0[:, :half], z_0[:, half:]))
    lender = first[:, half:] - (borrowed + own) / at.size
    expected = np.concatenate([first[:, :half] * inverse, lender * inverse], axis=1)
    size = at.inverse_deviation * (1 + np.abs(z_0) * at.reach[:, :, :1])
    return relative(at.input_gradient(first) - expected, size + lent(size))


def lent(values: Array) -> Array:
    """The values of the second half of the groups, for both halves."""
    second = values[:, values.shape[1] // 2 :]
    return np.concatenate([second, second], axis=1)


def others_shift_null(at: Place) -> Array:
    return _shift_null(at, (2,))


def others_scale_null(at: Place) -> Array:
    return _scale_null(at, (2,))


def lent_shift_null(at: Place) -> Array:
    return _shift_null(at, (1, 2))


def lent_scale_null(at: Place) -> Array:
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


def lent_orthogonality(at: Place) -> Array:
    mean = _terms(at, at.dz).mean(axis=2, keepdims=True)
    borrowers, lenders = np.split(mean, 2, axis=1)
    zeros = np.zeros_like(borrowers)
    return _orthogonality(at, np.concatenate([zeros, borrowers + lenders], axis=1))


def _orthogonality(at: Place, from_others: Array) -> Array:
    product = at.lost * at.dz * at.x_hat
    expected = product.reshape(at.dy.shape).sum(axis=1)
    terms = through_weights(at, _terms(at, at.dz) + from_others)
    return relative(along_weights(at) - expected, terms)


def stopped(at: Place) -> Array:
    expected = at.probe * at.inverse_deviation
    return relative(at.probed - expected, np.abs(expected))

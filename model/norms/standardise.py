"""Standardising groups of examples, and its gradient: the parts of every norm."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array, Moments, NormTape


def standardise(x: Array, epsilon: float) -> tuple[Array, Array, Array, Array]:
    """Subtract the mean over axis -2 and divide by the root of the biased variance plus epsilon.

    `x` is `(..., batch, features)`; returns x_hat of that shape, then the inverse deviation,
    mean and biased variance, each `(..., 1, features)`. The variance is taken in two passes:
    E[x^2] - E[x]^2 cancels in float32. Ioffe & Szegedy 2015, Algorithm 1.
    """
    mean = x.mean(axis=-2, keepdims=True)
    centred = x - mean
    variance = np.mean(centred * centred, axis=-2, keepdims=True)
    inverse_deviation = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    centred *= inverse_deviation
    return centred, inverse_deviation, mean, variance


def standardise_backward(dx_hat: Array, x_hat: Array, inverse_deviation: Array) -> Array:
    """Gradient of `standardise` with respect to its input, through x, the mean and the variance.

    The three terms of Ioffe & Szegedy 2015, section 3: the upstream gradient, less its mean
    (the path through the batch mean), less x_hat times its mean product with x_hat (the path
    through the batch variance). Epsilon needs no term: x_hat already carries it.
    """
    dx: Array = dx_hat - dx_hat.mean(axis=-2, keepdims=True)
    dx -= x_hat * np.mean(dx_hat * x_hat, axis=-2, keepdims=True)
    dx *= inverse_deviation
    return dx


def batch_moments(x: Array, norm_batch_size: int) -> Moments:
    """Statistics of consecutive groups of `norm_batch_size`: `(replicas, groups, features)`.

    Raises ValueError where the batch is not a multiple of `norm_batch_size`.
    """
    ghosts = grouped(x, norm_batch_size)
    mean = ghosts.mean(axis=2, keepdims=True)
    centred = ghosts - mean
    return Moments(mean[:, :, 0], np.mean(centred * centred, axis=2))


def grouped(x: Array, norm_batch_size: int) -> Array:
    """Ghosts of consecutive examples, `(replicas, ghosts, norm_batch_size, features)`.

    Raises ValueError where the batch is not a multiple of `norm_batch_size`.
    """
    replicas, batch, features = x.shape
    if batch % norm_batch_size:
        raise ValueError(
            f"a batch of {batch} cannot be cut into ghost batches of {norm_batch_size}: "
            f"{batch} / {norm_batch_size} leaves {batch % norm_batch_size}"
        )
    return x.reshape(replicas, batch // norm_batch_size, norm_batch_size, features)


def plain_tape(x_hat: Array, inverse_deviation: Array, moments: Moments | None) -> NormTape:
    """The tape of a norm whose z is x_hat itself."""
    return NormTape(x_hat, inverse_deviation, x_hat, np.ones((1, 1, 1, 1), x_hat.dtype), moments)


def standardised(ghosts: Array, epsilon: float) -> NormTape:
    """Ghosts `(replicas, ghosts, size, features)`, each standardised by its own statistics."""
    x_hat, inverse_deviation, mean, variance = standardise(ghosts, epsilon)
    return plain_tape(x_hat, inverse_deviation, Moments(mean[:, :, 0], variance[:, :, 0]))

"""Small ghost-normalised networks on many data sets from one law, trained side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CLASSES, FEATURES, HIDDEN, BATCH, EPSILON = 4, 10, 16, 32, 1e-5
MOMENTUM, RATE = 0.9, 0.1


class Split(NamedTuple):
    """Examples `(networks, examples, features)` and labels of a training and a test split."""

    x: Array
    y: Array
    test_x: Array
    test_y: Array


def examples(nature: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Normal classes around fixed means; one label in ten is another."""
    means = 0.54 * np.random.default_rng(7).normal(size=(CLASSES, FEATURES))
    y = nature.integers(0, CLASSES, shape)
    x = means[y] + nature.normal(size=(*shape, FEATURES))
    return x, np.where(nature.random(shape) < 0.1, nature.integers(0, CLASSES, shape), y)


def normalised(h: Array, m: int) -> tuple[Array, Array]:
    """Each ghost of `m` examples about its mean in its deviation, and 1 / deviation."""
    ghosts = h.reshape(len(h), -1, m, h.shape[-1])
    away = ghosts - ghosts.mean(axis=2, keepdims=True)
    inverse = 1 / np.sqrt((away**2).mean(axis=2, keepdims=True) + EPSILON)
    return away * inverse, inverse


def losses(split: Split, m: int, steps: int, nature: np.random.Generator) -> dict[str, Array]:
    """Losses under population statistics, `(networks,)` each, after training with ghosts of `m`."""
    count, n = split.y.shape
    weights = [
        nature.normal(size=(count, FEATURES, HIDDEN)) / np.sqrt(FEATURES),
        np.zeros((count, 1, HIDDEN)),
        nature.normal(size=(count, HIDDEN, CLASSES)) / np.sqrt(HIDDEN),
    ]
    moving = [np.zeros_like(weight) for weight in weights]
    network = np.arange(count)[:, np.newaxis]
    for step in range(steps):
        if step % (n // BATCH) == 0:
            order = nature.random((count, n)).argsort(axis=1)
        rows = order[:, step % (n // BATCH) * BATCH :][:, :BATCH]
        gradients = _gradients(weights, split.x[network, rows], split.y[network, rows], m)
        rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
        for weight, velocity, gradient in zip(weights, moving, gradients, strict=True):
            velocity *= MOMENTUM
            velocity -= rate * gradient
            weight += velocity
    return {
        "train_loss": _loss(weights, split.x, split.x, split.y),
        "test_loss": _loss(weights, split.x, split.test_x, split.test_y),
    }


def _gradients(weights: list[Array], x: Array, y: Array, m: int) -> list[Array]:
    first, bias, last = weights
    x_hat, inverse = normalised(x @ first, m)
    z = x_hat.reshape(len(x), BATCH, HIDDEN) + bias
    active = np.maximum(z, 0)
    logits = active @ last
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    shares[np.arange(len(x))[:, np.newaxis], np.arange(BATCH), y] -= 1
    by_z = (shares / BATCH) @ last.swapaxes(1, 2) * (z > 0)
    by_hat = by_z.reshape(x_hat.shape)
    by_h = by_hat - by_hat.mean(axis=2, keepdims=True)
    by_h = inverse * (by_h - x_hat * (by_hat * x_hat).mean(axis=2, keepdims=True))
    return [
        x.swapaxes(1, 2) @ by_h.reshape(z.shape),
        by_z.sum(axis=1, keepdims=True),
        active.swapaxes(1, 2) @ shares / BATCH,
    ]


def _loss(weights: list[Array], train: Array, x: Array, y: Array) -> Array:
    first, bias, last = weights
    h = train @ first
    mean, inverse = h.mean(axis=1, keepdims=True), 1 / np.sqrt(h.var(axis=1) + EPSILON)
    logits = np.maximum((x @ first - mean) * inverse[:, np.newaxis] + bias, 0) @ last
    chosen = np.take_along_axis(logits, y[..., np.newaxis], axis=2)[..., 0]
    return np.asarray((np.log(np.exp(logits).sum(axis=-1)) - chosen).mean(axis=1))

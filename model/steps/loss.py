"""Softmax cross-entropy, stable for any finite logits."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Negative log-probability in nats of the right class, per example.

    `logits` is `(replicas, batch, classes)`, `labels` integer `(replicas, batch)`; returns
    `(replicas, batch)`. The largest logit is subtracted first, so logits of +-10^4 neither
    overflow nor lose the answer.

    >>> caviar.cross_entropy(np.zeros((1, 2, 4)), np.array([[0, 3]])).round(3)
    array([[1.386, 1.386]])
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    right = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
    return np.asarray(np.log(np.exp(shifted).sum(axis=-1)) - right)


def log_softmax(logits: Array) -> Array:
    """Log-probability in nats of every class, in the shape of `logits`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def mean_cross_entropy_gradient(logits: Array, labels: Array) -> Array:
    """Gradient of the batch mean of `cross_entropy` by the logits: (p - onehot) / batch.

    >>> caviar.mean_cross_entropy_gradient(np.zeros((1, 1, 2)), np.array([[0]]))
    array([[[-0.5,  0.5]]])
    """
    gradient: Array = np.exp(logits - logits.max(axis=-1, keepdims=True))
    gradient /= gradient.sum(axis=-1, keepdims=True)
    label_index = labels[..., None]
    right = np.take_along_axis(gradient, label_index, axis=-1) - 1
    np.put_along_axis(gradient, label_index, right, axis=-1)
    gradient /= logits.shape[-2]
    return gradient


def correct(logits: Array, labels: Array) -> Array:
    """Whether the largest logit is the right class, `(replicas, batch)`; NaN logits are wrong."""
    finite = np.isfinite(logits).all(axis=-1)
    return np.asarray((logits.argmax(axis=-1) == labels) & finite)

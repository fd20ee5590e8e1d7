"""Losses and accuracies of many examples; the lines of `steps/loss.py`, to the same bits."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.kernels.compiling import compiled_exactly

LANES = 8
"""NumPy adds numbers that lie side by side in so many sums, once there are as many."""

BLOCK = 128
"""Beyond so many it adds halves; those are left to it."""


@compiled_exactly
def shift_logits(logits: Array, labels: Array, shifted: Array, right: Array, hits: Array) -> None:
    """shifted = logits - max(logits);  right = shifted[labels];  hits = correct(logits, labels)"""
    replicas, examples, classes = shifted.shape
    for r in range(replicas):
        for i in range(examples):
            row, to = logits[r, i], shifted[r, i]
            largest, best, finite = row[0], 0, True
            for c in range(classes):
                finite &= np.isfinite(row[c])
                if row[c] > largest or np.isnan(row[c]):
                    largest, best = row[c], c
            for c in range(classes):
                to[c] = row[c] - largest
            label = labels[r, i]
            right[r, i] = to[label]
            hits[r] += finite and best == label


@compiled_exactly
def sum_of_few(powers: Array, sums: Array) -> None:
    """sums = powers.sum(axis=-1), for at most `BLOCK` classes"""
    replicas, examples, classes = powers.shape
    whole = classes // LANES * LANES
    for r in range(replicas):
        for i in range(examples):
            row = powers[r, i]
            if classes < LANES:
                total = row[0]
                for c in range(1, classes):
                    total += row[c]
            else:
                a, b, c, d, e, f, g, h = row[:LANES]
                for k in range(LANES, whole, LANES):
                    a, b, c, d = a + row[k], b + row[k + 1], c + row[k + 2], d + row[k + 3]
                    e, f, g, h = e + row[k + 4], f + row[k + 5], g + row[k + 6], h + row[k + 7]
                total = ((a + b) + (c + d)) + ((e + f) + (g + h))
                for k in range(whole, classes):
                    total += row[k]
            sums[r, i] = total


def scored(logits: Array, labels: Array) -> tuple[Array, Array]:
    """Cross-entropies in nats `(replicas, examples)`, and how many are right `(replicas,)`."""
    logits, labels = np.ascontiguousarray(logits), np.ascontiguousarray(labels)
    shifted = np.empty(logits.shape, logits.dtype)
    right = np.empty(labels.shape, logits.dtype)
    hits = np.zeros(len(logits), np.int64)
    shift_logits(logits, labels, shifted, right, hits)
    np.exp(shifted, out=shifted)
    sums = np.empty_like(right)
    if logits.shape[-1] <= BLOCK:
        sum_of_few(shifted, sums)
    else:
        np.sum(shifted, axis=-1, out=sums)
    np.log(sums, out=sums)
    sums -= right
    return sums, hits

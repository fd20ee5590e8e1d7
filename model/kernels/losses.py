"""Softmax cross-entropy and its gradient; the lines of `steps/loss.py`."""

from __future__ import annotations

import math

import numpy as np

from caviar.model.contract import Array
from caviar.model.kernels.compiling import compiled


@compiled
def cross_entropy_and_gradient(
    a: Array, logits: int, row: int, bias: int, slope: int, labels: Array, scored: int,
    examples: int, classes: int,
) -> float:  # fmt: skip
    """logits += bias;  loss = cross_entropy(logits, labels).mean()
    slope = mean_cross_entropy_gradient(logits, labels)

    Rows beyond the `scored` ones are company: their gradient is 0.
    """
    loss, share = 0.0, a.dtype.type(1 / scored)
    for i in range(scored):
        start, to = logits + i * row, slope + i * row
        largest = a.dtype.type(-np.inf)
        for c in range(classes):
            a[start + c] += a[bias + c]
            largest = max(largest, a[start + c])
        total = a.dtype.type(0)
        for c in range(classes):
            power = math.exp(a[start + c] - largest)
            a[to + c] = power
            total += power
        right = labels[i]
        loss += math.log(total) - (a[start + right] - largest)
        factor = share / total
        for c in range(classes):
            a[to + c] *= factor
        a[to + right] -= share
    for i in range(scored, examples):
        a[slope + i * row : slope + i * row + classes] = 0
    return loss / scored

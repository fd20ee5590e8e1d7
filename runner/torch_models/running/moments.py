"""Moments of a norm's input in double precision, by row and by group."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CENTRE_ROWS = 16
"""So many rows tell where about a feature's mean lies."""


class TensorMoments(NamedTuple):
    """Mean and biased variance for each group of consecutive rows, `(groups, features)` float64."""

    mean: Tensor
    variance: Tensor


class RowMoments(NamedTuple):
    """Means over the positions of each row, `(rows, features)` float64.

    Of `x - centre`, and of its square.
    """

    away: Tensor
    square: Tensor


def row_moments(x: Tensor, centre: Tensor) -> RowMoments:
    """Those of a norm's input `(rows, features, ...)` about `centre`, `(features,)`.

    Each row is summed in single precision, or in that of `x` where it is better: about a centre
    near the mean that loses nothing. `centre` should have the type that `summing_type` says.
    """
    away = x.reshape(*x.shape[:2], -1).to(centre.dtype) - centre[:, None]
    mean = away.mean(dim=2)
    return RowMoments(_wide(mean), _wide(away.square_().mean(dim=2)))


def centre_of(x: Tensor) -> Tensor:
    """About the mean of each feature, `(features,)`, in single precision or that of `x`."""
    narrow = summing_type(x)
    some = x[:CENTRE_ROWS].reshape(len(x[:CENTRE_ROWS]), x.shape[1], -1)
    return _wide(some.to(narrow)).mean(dim=(0, 2)).to(narrow)


def summing_type(x: Tensor) -> torch.dtype:
    """In which a row of `x` is summed: single precision, or that of `x` where it is better."""
    return torch.promote_types(x.dtype, torch.float32)


def _wide(x: Tensor) -> Tensor:
    """In double precision, where the device has it."""
    return x if x.device.type == "mps" else x.double()


def group_moments(x: Tensor, rows: int) -> TensorMoments:
    """Those of groups of `rows` consecutive rows of a norm's input."""
    centre = centre_of(x)
    by_row = row_moments(x, centre)
    away, square = (part.reshape(-1, rows, part.shape[1]).mean(dim=1) for part in by_row)
    return TensorMoments(_wide(centre) + away, (square - away * away).clamp_(min=0.0))


class Sums(NamedTuple):
    """Sums over rows: how many, and of `away` and `square`, `(features,)`."""

    rows: int
    away: Tensor
    square: Tensor

    @staticmethod
    def of(moments: RowMoments) -> Sums:
        return Sums(len(moments.away), moments.away.sum(dim=0), moments.square.sum(dim=0))

    def plus(self, other: Sums) -> Sums:
        return Sums(self.rows + other.rows, self.away + other.away, self.square + other.square)

    def moments(self, centre: Tensor) -> TensorMoments:
        """Those behind sums about `centre`, `(1, features)`: exact if it is near the mean."""
        shift, square = self.away / self.rows, self.square / self.rows
        variance = (square - shift * shift).clamp_(min=0.0)
        return TensorMoments((_wide(centre) + shift)[None], variance[None])


def averaged(calls: list[TensorMoments], keep: float) -> TensorMoments:
    """What a running average that keeps so much per update makes of the calls of one pass."""
    weights = [keep**age for age in reversed(range(len(calls)))]
    parts = []
    for column in zip(*calls, strict=True):
        weighted = [weight * part for weight, part in zip(weights, column, strict=True)]
        parts.append(torch.stack(weighted).sum(dim=0) / sum(weights))
    return TensorMoments(*parts)

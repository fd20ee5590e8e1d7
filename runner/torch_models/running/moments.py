"""Moments of a norm's input in double precision, by row and by group."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 2**22
"""Values of a norm's input that are held in double precision at a time."""


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
    """Those of a norm's input `(rows, features, ...)` about `centre`, `(features,)`."""
    rows, features = x.shape[:2]
    step = max(1, AT_ONCE // max(1, x[:1].numel()))
    parts = []
    for start in range(0, rows, step):
        wide = x[start : start + step].reshape(-1, features, x[:1].numel() // features)
        away = wide.to(centre.dtype) - centre[:, None]
        parts.append((away.mean(dim=2), away.square_().mean(dim=2)))
    return RowMoments(*(torch.cat(column) for column in zip(*parts, strict=True)))


def centre_of(x: Tensor) -> Tensor:
    """The mean of each feature, `(features,)`, in the precision of all moments."""
    return row_moments(x, x.new_zeros(x.shape[1], dtype=wide_type(x))).away.mean(dim=0)


def wide_type(x: Tensor) -> torch.dtype:
    """Double precision, where the device has it."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def group_moments(x: Tensor, rows: int) -> TensorMoments:
    """Those of groups of `rows` consecutive rows of a norm's input."""
    centre = centre_of(x)
    by_row = row_moments(x, centre)
    away, square = (part.reshape(-1, rows, part.shape[1]).mean(dim=1) for part in by_row)
    return TensorMoments(centre + away, (square - away * away).clamp_(min=0.0))


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
        return TensorMoments((centre + shift)[None], variance[None])


def mean_of(calls: list[TensorMoments]) -> TensorMoments:
    """The average over several calls of one norm in a pass, as a running average's rule has it."""
    mean, variance = zip(*calls, strict=True)
    return TensorMoments(torch.stack(mean).mean(dim=0), torch.stack(variance).mean(dim=0))

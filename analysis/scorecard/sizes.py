"""The sizes that a claim may speak of, and quantities laid out by size."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.scorecard.claim import Parts
from caviar.analysis.scorecard.seedwise import Seedwise

RUNNING = "test running"
"""Test losses read with the study's own running average."""
LARGE = 64
"""From this size up 1/m is small: the laws of SCIENCE.md are leading orders in it."""


def size_label(level: float) -> str:
    """`m = 64`."""
    return f"m = {level:g}"


def ghost_sizes(s: Seedwise) -> list[float]:
    """The sizes of batch norm where only the norm batch varies; else none."""
    moves = s.design.axis == "norm_batch_size" and s.of_batch_norm("batch_size") is not None
    return s.levels(s.batch_norm) if moves else []


def norm_sizes(s: Seedwise) -> list[float]:
    """The sizes of batch norm, where the axis is the number of examples behind its statistics."""
    together = (s.run.trials["norm_batch_size"] == s.run.trials["batch_size"]).all()
    return s.levels(s.batch_norm) if s.design.axis == "norm_batch_size" or together else []


def between_statistics(s: Seedwise, kind: str, against: str, sizes: list[float]) -> Parts | None:
    """Batch norm's test loss read with one kind of statistics less that read with another.

    By size; None without sizes, or where either kind was not measured.
    """
    if not {f"test {kind}", f"test {against}"} <= set(s.losses):
        return None
    return {
        size_label(size): s.loss(s.batch_norm, size, f"test {kind}")
        - s.loss(s.batch_norm, size, f"test {against}")
        for size in sizes
    } or None


def slopes(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Least-squares slope of every row of `y`, `(seeds, sizes)`, on `x`, `(sizes,)`."""
    x = x - x.mean()
    slope: NDArray[Any] = y @ x / (x @ x)
    return slope


def probed(s: Seedwise, what: str, lowest: float) -> pd.DataFrame:
    """Seeds by probed size, a mean over the sizes trained with; sizes below N only."""
    if what not in s.noise:
        return pd.DataFrame()
    rows = s.noise[s.noise["probe_batch_size"].between(lowest, s.examples - 1)]
    wide = rows.pivot_table(
        index=["seed", "level"], columns="probe_batch_size", values=what, dropna=False
    )
    wide = wide.dropna(axis=1, how="all")
    # A size that is missing somewhere must not turn the mean into one over other networks.
    return wide.groupby("seed").agg(lambda x: x.mean(skipna=False)).reindex(list(s.seeds))

"""Invented runs of two sizes and two draws to hold side by side, and how to look into them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from caviar.analysis.compare.runs import TwoRuns
from caviar.analysis.run.read import Run
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, size, stored_run, wiggle

SIZES = {"norm_batch_size": [8, 64]}
RATES = (0.1, 0.2)


def noisy(config: TrialConfig, seed: int) -> float:
    """A loss that differs much between seeds and draws, and not between runs."""
    return 0.3 + 0.1 * math.sin(5.0 * seed + config.draw + size(config))


def shifted(config: TrialConfig, seed: int) -> float:
    """0.02 less at 8 alone, give or take a little by seed."""
    return noisy(config, seed) - (size(config) == 8) * (0.02 + wiggle(config, seed))


def run(root: Path, test: Any = noisy, **fields: Any) -> Run:
    trials = crossed(SIZES, rates=fields.pop("rates", RATES), **fields)
    return stored_run(root, trials, World(test=test), scientific=SIZES)


def row(two: TwoRuns, quantity: str, level: int, tracker: str = "") -> Any:
    table = two.differences
    same = (table["quantity"] == quantity) & (table["norm_batch_size"] == str(level))
    (one,) = table[same & (table["tracker"] == tracker)].to_dict("records")
    return one


def changed(root: Path, table: str, column: str, position: int, value: Any) -> None:
    """Write another value into one row of a run."""
    (part,) = (root / table).glob("part-*.parquet")
    frame = pq.read_table(part)
    values = frame[column].to_pylist()
    values[position] = value
    index = frame.column_names.index(column)
    pq.write_table(frame.set_column(index, frame.schema.field(index), [values]), part)

"""Readings as rows."""

from __future__ import annotations

import numpy as np

from caviar.model.measurements.losses import Scores
from caviar.runner.panda.record.reading_rows import layer_rows, score_rows
from caviar.runner.panda.training.readings import LayerReading, Reading

PAIR = np.array([1.0, 2.0])
READING = Reading(
    lineage=1,
    trial_id="id",
    step=7,
    seeds=(3, 4),
    tracker="unbiased/0.9",
    scores={
        ("train", "population"): Scores(PAIR, PAIR / 4),
        ("test", "running"): Scores(PAIR * 2, PAIR / 8),
    },
    train_mode_loss=PAIR * 3,
    layers=(LayerReading("norm1", PAIR, PAIR * 2, PAIR * 3, PAIR * 4, PAIR * 5),),
)


def test_a_row_per_split_statistics_and_seed() -> None:
    rows = [tuple(row.values()) for row in score_rows(READING)]
    assert rows == [
        ("id", 1, 3, 7, "train", "population", "", 1.0, 0.25, 3.0),
        ("id", 1, 4, 7, "train", "population", "", 2.0, 0.5, 6.0),
        ("id", 1, 3, 7, "test", "running", "unbiased/0.9", 2.0, 0.125, None),
        ("id", 1, 4, 7, "test", "running", "unbiased/0.9", 4.0, 0.25, None),
    ]


def test_a_row_per_layer_and_seed() -> None:
    rows = [tuple(row.values()) for row in layer_rows(READING)]
    assert rows == [
        ("id", 1, 3, 7, "norm1", 1.0, 2.0, 3.0, 4.0, 5.0),
        ("id", 1, 4, 7, "norm1", 2.0, 4.0, 6.0, 8.0, 10.0),
    ]

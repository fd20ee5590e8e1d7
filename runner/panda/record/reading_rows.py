"""Readings as rows of their tables, and back as what a screen draws."""

from __future__ import annotations

from typing import Any

from caviar.runner.panda.training.readings import Reading

Row = dict[str, Any]


def _who(reading: Reading, seed: int) -> Row:
    return {
        "trial_id": reading.trial_id,
        "lineage": reading.lineage,
        "seed": seed,
        "step": reading.step,
    }


def score_rows(reading: Reading) -> list[Row]:
    """The rows of `readings`, one per split, statistics and seed."""
    rows = []
    for (split, statistics), score in reading.scores.items():
        train_mode = (split, statistics) == ("train", "population")
        for replica, seed in enumerate(reading.seeds):
            measured = {
                "split": split,
                "statistics": statistics,
                "tracker": reading.tracker if statistics == "running" else "",
                "loss": float(score.loss[replica]),
                "accuracy": float(score.accuracy[replica]),
                "train_mode_loss": float(reading.train_mode_loss[replica]) if train_mode else None,
            }
            rows.append(_who(reading, seed) | measured)
    return rows


def layer_rows(reading: Reading) -> list[Row]:
    """The rows of `reading_layers`, one per layer and seed."""
    rows = []
    for layer in reading.layers:
        name, *values = layer
        columns = layer._fields[1:]
        for replica, seed in enumerate(reading.seeds):
            numbers = (float(value[replica]) for value in values)
            measured = dict(zip(columns, numbers, strict=True))
            rows.append(_who(reading, seed) | {"layer": name} | measured)
    return rows

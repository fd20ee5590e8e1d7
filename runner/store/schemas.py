"""The tables of a run: their schemas, declared once."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.store import columns
from caviar.runner.store.columns import Column


def _schema(declared: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in declared])


_ARROW: dict[Any, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
}


def _arrow(annotation: Any) -> pa.DataType:
    """The column type of a config field: a scalar, or a list of scalars."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _arrow(arguments[0])
    if origin is tuple:
        return pa.list_(_arrow(arguments[0]))
    if origin is typing.Literal:
        return pa.string()
    if origin in (typing.Union, types.UnionType):
        return _arrow(next(a for a in arguments if a is not type(None)))
    return _ARROW[annotation]


TRIALS = pa.schema(
    [(column.name, column.type) for column in columns.OF_TRIALS]
    + [
        (name, _arrow(field.annotation))
        for name, field in TrialConfig.model_fields.items()
        if name != "dataset"
    ]
)

OUTCOMES = _schema(columns.OUTCOMES)

MEASURED: dict[str, tuple[Column, ...]] = {
    "curves": columns.CURVES,
    "evaluations": columns.EVALUATIONS,
    "statistics": columns.STATISTICS,
    "noise": columns.NOISE,
    "predictions": columns.PREDICTIONS,
}

ROW_TABLES: dict[str, pa.Schema] = {table: _schema(MEASURED[table]) for table in MEASURED}
"""The tables that trials fill with measurements."""

KEYS: dict[str, list[str]] = {
    "curves": ["trial_id", "attempt", "seed", "step"],
    "evaluations": [
        *("trial_id", "attempt", "seed", "step"),
        *("split", "statistics", "tracker", "norm_batch_size"),
    ],
    "statistics": ["trial_id", "attempt", "seed", "step", "layer", "tracker"],
    "noise": ["trial_id", "attempt", "seed", "step", "layer", "norm_batch_size"],
    "predictions": ["trial_id", "attempt", "seed", "step", "statistics", "example"],
}
"""The columns that identify the rows of a table."""

SCHEMAS: dict[str, pa.Schema] = {
    "trials": TRIALS,
    **ROW_TABLES,
    "outcomes": OUTCOMES,
}


def trial_row(config: TrialConfig) -> dict[str, Any]:
    """The row of `trials`: every config field, one column each."""
    row = config.model_dump(exclude={"dataset"})
    return {
        "trial_id": config.trial_id,
        "dataset": config.dataset.title,
        "dataset_fingerprint": config.dataset.fingerprint,
        **row,
    }


def config_of(row: Mapping[str, Any], dataset: DatasetConfig) -> TrialConfig:
    """The config that a row of `trials` was made from; a column that was added later is null in
    it, and its field has the default."""
    fields = {name: row[name] for name in TrialConfig.model_fields if name != "dataset"}
    given = {name: value for name, value in fields.items() if value is not None}
    return TrialConfig(**given, dataset=dataset)

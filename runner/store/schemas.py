"""The tables of a run: their schemas, declared once."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig

_WHO = [("trial_id", pa.string()), ("attempt", pa.int32()), ("seed", pa.int64())]
_WHEN = [("step", pa.int64())]


def _real(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.float64()) for name in names]


CURVES = pa.schema(
    _WHO
    + _WHEN
    + _real("epoch", "learning_rate", "loss", "gradient_norm", "weight_norm")
    + _real("effective_learning_rate")
)
EVALUATIONS = pa.schema(
    _WHO
    + _WHEN
    + [
        ("split", pa.string()),
        ("statistics", pa.string()),
        ("tracker", pa.string()),
        ("norm_batch_size", pa.int64()),
    ]
    + _real("loss", "accuracy")
    + [("examples", pa.int64()), ("mislabelled", pa.int64())]
)
STATISTICS = pa.schema(
    _WHO
    + _WHEN
    + [("layer", pa.string()), ("tracker", pa.string())]
    + _real("mean_error", "mean_bias", "variance_error", "variance_bias", "divergence")
    + _real("mean_sampling", "mean_staleness", "mean_propagation")
    + _real("variance_sampling", "variance_staleness", "variance_propagation")
)
NOISE = pa.schema(
    _WHO
    + _WHEN
    + [("layer", pa.string()), ("norm_batch_size", pa.int64()), ("batches", pa.int64())]
    + _real("mean_variance", "deviation_variance", "excess_kurtosis")
    + _real("noise_to_signal", "coupling", "noise_penalty", "external_penalty")
    + _real("self_influence", "predicted_self_influence")
    + _real("partition_variance", "gradient_variance")
    + _real("self_influence_error", "penalty_partitions")
)
PREDICTIONS = pa.schema(
    _WHO
    + _WHEN
    + [("statistics", pa.string()), ("example", pa.int64()), ("label", pa.int64())]
    + [("log_probabilities", pa.list_(pa.float64()))]
)
OUTCOMES = pa.schema(
    [
        ("trial_id", pa.string()),
        ("attempt", pa.int32()),
        ("status", pa.string()),
        ("seconds", pa.float64()),
        ("probe_seconds", pa.float64()),
        ("steps", pa.int64()),
        ("rows", pa.int64()),
        ("diverged_seeds", pa.list_(pa.int64())),
        ("invariants", pa.string()),
        ("host", pa.string()),
        ("kernel", pa.string()),
        ("blas_threads", pa.int64()),
        ("processor", pa.string()),
        ("error", pa.string()),
        ("traceback", pa.string()),
    ]
)

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
    [("trial_id", pa.string()), ("dataset", pa.string()), ("dataset_fingerprint", pa.string())]
    + [
        (name, _arrow(field.annotation))
        for name, field in TrialConfig.model_fields.items()
        if name != "dataset"
    ]
)

ROW_TABLES: dict[str, pa.Schema] = {
    "curves": CURVES,
    "evaluations": EVALUATIONS,
    "statistics": STATISTICS,
    "noise": NOISE,
    "predictions": PREDICTIONS,
}
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

SCHEMAS: dict[str, pa.Schema] = {"trials": TRIALS, **ROW_TABLES, "outcomes": OUTCOMES}


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

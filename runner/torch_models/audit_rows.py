"""An audit as the run of a model: what was measured in the tables, the verdict in `study.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from caviar.analysis.audit.evidence import Difference, Evidence, NormLayer, Reading, Readings
from caviar.model.averages.errors import tracker_errors
from caviar.model.contract import Moments
from caviar.runner.store.open import storage_at
from caviar.runner.torch_models.model_run import Rows, model_run

OWN = "own"
"""The `tracker` of what the model holds."""


def keep_audit(
    out: str | Path, model: str, evidence: Evidence, told: Mapping[str, Any], command: str
) -> None:
    """Write an audit of a `model`, named by its class, as a run that readers of runs understand.

    `told` is what `caviar audit --json` prints. Raises RequestError where something lies there.
    """
    about = {
        "class": model,
        "framework": f"torch {metadata.version('torch')}",
        "norms": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "momentum": layer.momentum,
                "epsilon": layer.epsilon,
                "updates": layer.updates,
            }
            for layer in evidence.layers
        ],
        "train_examples": evidence.examples,
        "audit": dict(told),
    }
    name = Path(str(out).rstrip("/")).name or "audit"
    with model_run(storage_at(out), name, "audit", about, command) as run:
        epsilons = {layer.epsilon for layer in evidence.layers}
        epsilon = epsilons.pop() if len(epsilons) == 1 else None
        size = evidence.batch_size
        run.plan({"norm": "batch", "norm_batch_size": size, "epsilon": epsilon})
        for table, rows in audit_rows(evidence).items():
            run.write(table, rows)
        run.end("completed", updates_of(evidence), 0.0, "")


def updates_of(evidence: Evidence) -> int:
    """Updates of the averages before the audit; 0 where nothing has counted them."""
    counted = [layer.updates or 0 for layer in evidence.layers]
    return evidence.steps or max(counted, default=0)


def audit_rows(evidence: Evidence) -> dict[str, Rows]:
    """Rows by table of a run."""
    step, size = updates_of(evidence), evidence.batch_size
    splits = {"train": evidence.train, "test": evidence.test}
    read = {split: readings for split, readings in splits.items() if readings is not None}
    rows = {
        "evaluations": [
            {"split": split, **row}
            for split, readings in read.items()
            for row in _evaluations(readings, size)
        ],
        "statistics": [row for layer in evidence.layers for row in _errors(layer)],
        "noise": [
            *(row for layer in evidence.layers for row in _scatter(layer, size)),
            *(() if evidence.train is None else _penalties(evidence.train)),
        ],
    }
    return {table: [{"step": step, **row} for row in rows[table]] for table in rows}


def _evaluations(readings: Readings, size: int) -> Iterator[dict[str, Any]]:
    yield _reading("population", "", size, readings.population, None)
    yield _reading("precise", "", size, readings.precise, None)
    yield _reading("batch", "", size, readings.batch, readings.batch_minus_population)
    if readings.stored is not None:
        yield _reading("running", OWN, size, readings.stored, readings.stored_minus_population)
    for m, reading in readings.batches.items():
        if m != size:
            yield _reading("batch", "", m, reading, None)


def _reading(
    statistics: str, tracker: str, size: int, reading: Reading, excess: Difference | None
) -> dict[str, Any]:
    return {
        "statistics": statistics,
        "tracker": tracker,
        "norm_batch_size": size,
        "loss": reading.loss,
        "accuracy": reading.accuracy,
        "examples": reading.examples,
        "excess_error": None if excess is None else excess.error,
    }


def _errors(layer: NormLayer) -> Iterator[dict[str, Any]]:
    """How far the stored statistics are from the population's; the parts are in the verdict."""
    if layer.stored is None:
        return
    held, exact = layer.stored, layer.population.moments
    errors = tracker_errors(
        {"": Moments(held.mean[None, None], held.variance[None, None])},
        {"": Moments(exact.mean[None, None], exact.variance[None, None])},
        layer.epsilon,
        None,
    )[""]
    values = {name: float(value[0, 0]) for name, value in errors._asdict().items()}
    whole = {name: value for name, value in values.items() if not name.endswith(SPLIT)}
    yield {"layer": layer.name, "tracker": OWN, **whole}


SPLIT = ("_sampling", "_staleness", "_propagation")
"""Ends of the columns that need a shadow of the training."""


def _scatter(layer: NormLayer, size: int) -> Iterator[dict[str, Any]]:
    """The scatter of the mean of batches drawn at random, over features that vary."""
    exact, drawn = layer.population.moments.variance, layer.regrouped
    alive = exact > 0
    if drawn.batches > 1 and alive.any():
        ratio = float(np.mean(drawn.variance.mean[alive] / exact[alive]))
        place = {"layer": layer.name, "norm_batch_size": size, "batches": drawn.batches}
        yield {**place, "mean_variance": ratio}


def _penalties(readings: Readings) -> Iterator[dict[str, Any]]:
    for m, reading in sorted(readings.batches.items()):
        penalty = reading.loss - readings.population.loss
        yield {"layer": "network", "norm_batch_size": m, "noise_penalty": penalty}

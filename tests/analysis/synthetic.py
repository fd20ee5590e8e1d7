"""Runs with known truth: what a study would measure is given as functions.

`run_of` has the rows as they would be stored, and writes nothing; `stored_run` writes them with
the real sink, for what reads the files of a run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from caviar.analysis.findings.finding import Results
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import Comparison, comparison_of
from caviar.analysis.run.read import Run, read_run, run_from
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.session.run_folder import session
from caviar.runner.store.open import storage_at
from caviar.runner.store.schemas import SCHEMAS, trial_row
from caviar.runner.store.sink import ParquetSink, to_table
from caviar.runner.trial.events import Block, Outcome, Status
from tests.analysis.rows import (
    curves_rows,
    evaluations_rows,
    noise_rows,
    prediction_rows,
    statistics_rows,
    tracker_names,
)
from tests.analysis.world import DIGITS, EARLIER, EXAMPLES, STEPS, World, size, wiggle

__all__ = [
    "DIGITS",
    "EARLIER",
    "EXAMPLES",
    "STEPS",
    "World",
    "compared",
    "crossed",
    "results_in",
    "run_of",
    "size",
    "stored_run",
    "tracker_names",
    "trial",
    "wiggle",
    "write_attempt",
    "write_run",
    "write_study",
]


def trial(
    *,
    seeds: Iterable[int] = range(6),
    draw: int = 0,
    dataset: DatasetConfig = DIGITS,
    **fields: Any,
) -> TrialConfig:
    """A config with short lists; the norm batch follows the batch where it is not given."""
    fields = {
        "batch_size": 256,
        "hidden": (8,),
        "conventions": ("unbiased", "cumulative"),
        "decays": (),
        "probe_batch_sizes": (8, 64),
        "epsilon": 1e-5,
        **fields,
    }
    fields.setdefault("norm_batch_size", fields["batch_size"])
    return TrialConfig(seeds=tuple(seeds), draw=draw, steps=STEPS, dataset=dataset, **fields)


def crossed(
    levels: Mapping[str, Any], *, rates: Sequence[float] = (0.1,), **fields: Any
) -> list[TrialConfig]:
    """Every combination of `levels`, once a learning rate: the draws."""
    return [
        trial(**{**fields, **dict(zip(levels, point, strict=True))}, learning_rate=rate, draw=draw)
        for draw, rate in enumerate(rates)
        for point in product(*levels.values())
    ]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a synthetic run's study says, and how each of its trials ended; None: not yet tried."""

    scientific: Mapping[str, Any] | None = None
    nuisance: Iterable[str] = ("learning_rate",)
    name: str = "synthetic"
    status: Callable[[TrialConfig], Status | None] = lambda config: "completed"
    error: str = ""

    def described(self, trials: Sequence[TrialConfig]) -> dict[str, Any]:
        several = len({config.draw for config in trials}) > 1
        nuisance = self.nuisance if several else ()
        return study_of(self.scientific or {}, nuisance, self.name, trials)

    def send(self, sink: Sink, trials: Sequence[TrialConfig], world: World) -> None:
        """All rows and outcomes of the trials."""
        sink.plan(trials)
        for config in trials:
            ended = self.status(config)
            if ended is not None:
                write_attempt(sink, config, world, status=ended, error=self.error)


def write_run(
    root: Path, trials: Sequence[TrialConfig], world: World | None = None, **how: Any
) -> Path:
    """A run on disk, by `how` it is a `Study`."""
    root.mkdir(parents=True, exist_ok=True)
    study = Study(**how)
    _write(root, study.described(trials))
    sink = ParquetSink(storage_at(root))
    study.send(sink, trials, world or World())
    sink.close()
    return root


def write_study(
    root: Path,
    scientific: Mapping[str, Any],
    nuisance: Iterable[str] = (),
    name: str = "synthetic",
    trials: Sequence[TrialConfig] = (),
) -> None:
    _write(root, study_of(scientific, nuisance, name, trials))


def _write(root: Path, study: dict[str, Any]) -> None:
    (root / "study.json").write_text(json.dumps(study, indent=1), encoding="utf-8")


def study_of(
    scientific: Mapping[str, Any],
    nuisance: Iterable[str],
    name: str,
    trials: Sequence[TrialConfig],
) -> dict[str, Any]:
    """The content of `study.json`."""
    drawn = {"scale": "log_uniform", "low": 0.01, "high": 1.0}
    content: dict[str, Any] = {
        "hash": "0123456789ab",
        "study": {
            "name": name,
            "scientific": {key: list(levels) for key, levels in scientific.items()},
            "nuisance": dict.fromkeys(nuisance, drawn),
            "arms": {config.arm: {} for config in trials if config.arm},
        },
        "sessions": [{**_session(), "started": "2026-01-02T03:04:05Z", "host": "here"}],
        "draws": 1,
    }
    stored: dict[str, Any] = json.loads(json.dumps(content))
    return stored


@cache
def _session() -> dict[str, Any]:
    return session("caviar run")


class Sink(Protocol):
    """The part of a `MetricSink` that invented trials need."""

    def plan(self, trials: Iterable[TrialConfig]) -> None: ...

    def write(self, block: Block) -> None: ...

    def commit(self, outcome: Outcome) -> None: ...


class Stored:
    """The tables of a run as its part files would hold them, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"trials": [], "outcomes": []}
        self.blocks: dict[str, list[Block]] = {}

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        self.rows["trials"] += map(trial_row, trials)

    def write(self, block: Block) -> None:
        self.blocks.setdefault(block.table, []).append(block)

    def commit(self, outcome: Outcome) -> None:
        self.rows["outcomes"].append(asdict(outcome))

    def __call__(self, table: str) -> list[pa.Table]:
        schema = SCHEMAS[table]
        if table in self.rows:
            return [pa.Table.from_pylist(self.rows[table], schema=schema)]
        return [to_table(*self.blocks[table])] if table in self.blocks else []


def write_attempt(
    sink: Sink,
    config: TrialConfig,
    world: World,
    *,
    attempt: int = 0,
    status: Status | None = "completed",
    error: str = "",
) -> None:
    """All rows of one attempt, then its outcome (None: the worker is still at it)."""
    evaluations = evaluations_rows(config, world)
    blocks = {"curves": curves_rows(config), "evaluations": evaluations}
    if config.norm == "batch":
        blocks["predictions"] = prediction_rows(config)
        blocks |= {"statistics": statistics_rows(config, world), "noise": noise_rows(config, world)}
    for table, rows in blocks.items():
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        sink.write(Block(config.trial_id, attempt, table, columns))
    if status is None:
        return
    bad = {r["seed"] for r in evaluations if not math.isfinite(r["loss"])}
    sink.commit(
        Outcome(
            config.trial_id,
            attempt,
            "diverged" if bad and status == "completed" else status,
            seconds=1.5,
            steps=STEPS,
            rows=sum(map(len, blocks.values())),
            diverged_seeds=tuple(sorted(bad)),
            host="here",
            error=error,
        )
    )


def run_of(
    root: Path, trials: Sequence[TrialConfig], world: World | None = None, **how: Any
) -> Run:
    """A synthetic run, as if it had been read from `root`."""
    study, stored = Study(**how), Stored()
    study.send(stored, trials, world or World())
    return run_from(root, study.described(trials), stored)


def stored_run(
    root: Path, trials: Sequence[TrialConfig], world: World | None = None, **how: Any
) -> Run:
    """A synthetic run, written and read back."""
    return read_run(write_run(root, trials, world, **how))


def compared(run: Run) -> Comparison:
    """What a run compares, of one that does."""
    comparison = comparison_of(run)
    assert isinstance(comparison, Comparison)
    return comparison


def results_in(run: Run, *beside: Run) -> Results:
    """The results of a run that compares something."""
    results = results_of(run, beside)
    assert isinstance(results, Results)
    return results

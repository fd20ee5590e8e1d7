"""Runs with known truth: what a study would measure is given as functions, and written by the
real sink."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from caviar.analysis.findings.finding import Results
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import Comparison, comparison_of
from caviar.analysis.run.read import Run, read_run
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.session.run_folder import session
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
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


def write_run(
    root: Path,
    trials: Sequence[TrialConfig],
    world: World | None = None,
    *,
    scientific: Mapping[str, Any] | None = None,
    nuisance: Iterable[str] = ("learning_rate",),
    name: str = "synthetic",
    status: Callable[[TrialConfig], Status | None] = lambda config: "completed",
    error: str = "",
) -> Path:
    """A run on disk in which each trial ended as `status` says; None: not yet tried."""
    root.mkdir(parents=True, exist_ok=True)
    several = len({config.draw for config in trials}) > 1
    write_study(root, scientific or {}, nuisance if several else (), name, trials)
    sink = ParquetSink(storage_at(root))
    sink.plan(trials)
    for config in trials:
        ended = status(config)
        if ended is not None:
            write_attempt(sink, config, world or World(), status=ended, error=error)
    sink.close()
    return root


def write_study(
    root: Path,
    scientific: Mapping[str, Any],
    nuisance: Iterable[str] = (),
    name: str = "synthetic",
    trials: Sequence[TrialConfig] = (),
) -> None:
    drawn = {"scale": "log_uniform", "low": 0.01, "high": 1.0}
    content = {
        "hash": "0123456789ab",
        "study": {
            "name": name,
            "scientific": {key: list(levels) for key, levels in scientific.items()},
            "nuisance": dict.fromkeys(nuisance, drawn),
            "arms": {config.arm: {} for config in trials if config.arm},
        },
        "sessions": [{**session("caviar run"), "started": "2026-01-02T03:04:05Z", "host": "here"}],
        "draws": 1,
    }
    (root / "study.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def write_attempt(
    sink: ParquetSink,
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

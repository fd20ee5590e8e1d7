"""Runs with known truth: what a study would measure is given as functions, and written by the
real sink."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from analysis.load import Run, read_run
from runner.config import DatasetConfig, TrialConfig
from runner.events import Block, Outcome, Status
from runner.place import session
from runner.sink import ParquetSink

Measure = Callable[[TrialConfig, int], float]

DIGITS = DatasetConfig(name="digits", train=1024, validation=256)
STEPS = 10
EXAMPLES = {"train": 1024, "validation": 256, "test": 517}
EARLIER = 3.0
"""What is added to every loss half way, so that only the last step has the truth."""


def size(config: TrialConfig) -> int:
    """The size trained with."""
    return config.norm_batch_size or config.batch_size


def wiggle(config: TrialConfig, seed: int) -> float:
    """A small number that differs by seed and size, so that intervals have a width."""
    return math.sin(7.0 * seed + size(config)) * 1e-3


@dataclass(frozen=True)
class World:
    """What trials measure at the last step, in nats (accuracy: a share)."""

    train: Measure = lambda config, seed: 0.05 + wiggle(config, seed)
    validation: Measure = lambda config, seed: 0.25 + wiggle(config, seed)
    test: Measure = lambda config, seed: 0.2 + wiggle(config, seed)
    accuracy: Measure = lambda config, seed: 0.9
    penalty: Measure = lambda config, seed: 1 / size(config)
    damage: Callable[[TrialConfig, int, str], float] = lambda config, seed, tracker: (
        0.2 / size(config) + wiggle(config, seed) / 100
    )
    mean_error: Callable[[TrialConfig, int, str, str], float] = (
        lambda config, seed, layer, tracker: 0.4 / size(config) + wiggle(config, seed) / 10
    )
    variance_error: Callable[[TrialConfig, int, str, str], float] = (
        lambda config, seed, layer, tracker: 0.8 / size(config) + wiggle(config, seed) / 10
    )
    kurtosis: Callable[[TrialConfig, int, str], float] = lambda config, seed, layer: 1.0


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
    write_study(root, scientific or {}, nuisance if several else (), name)
    sink = ParquetSink(root)
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
) -> None:
    drawn = {"scale": "log_uniform", "low": 0.01, "high": 1.0}
    content = {
        "hash": "0123456789ab",
        "study": {
            "name": name,
            "scientific": {key: list(levels) for key, levels in scientific.items()},
            "nuisance": dict.fromkeys(nuisance, drawn),
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
    evaluations = _evaluations(config, world)
    blocks = {"curves": _curves(config), "evaluations": evaluations}
    if config.norm == "batch":
        blocks |= {"statistics": _statistics(config, world), "noise": _noise(config, world)}
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


def tracker_names(config: TrialConfig) -> list[str]:
    """Every rule with every decay; a cumulative average has none."""
    decays = dict.fromkeys((config.decay, *config.decays))
    named = [
        rule if rule == "cumulative" else f"{rule}/{decay!r}"
        for rule in config.conventions
        for decay in decays
    ]
    return list(dict.fromkeys(named))


def _evaluations(config: TrialConfig, world: World) -> list[dict[str, Any]]:
    losses = {"train": world.train, "validation": world.validation, "test": world.test}
    rows: list[dict[str, Any]] = []
    for seed, split, step in product(config.seeds, losses, (STEPS // 2, STEPS)):
        exact = losses[split](config, seed) + (EARLIER if step < STEPS else 0)
        kinds = {("population", ""): exact}
        if config.norm == "batch":
            kinds["batch", ""] = exact + world.penalty(config, seed)
            for tracker in tracker_names(config):
                kinds["running", tracker] = exact + world.damage(config, seed, tracker)
        rows += [
            {
                "seed": seed,
                "step": step,
                "split": split,
                "statistics": kind,
                "tracker": tracker,
                "norm_batch_size": size(config),
                "loss": loss,
                "accuracy": world.accuracy(config, seed),
                "examples": EXAMPLES[split],
            }
            for (kind, tracker), loss in kinds.items()
        ]
    return rows


def _statistics(config: TrialConfig, world: World) -> list[dict[str, Any]]:
    layers = [f"norm{i + 1}" for i in range(len(config.hidden))]
    return [
        {
            "seed": seed,
            "step": step,
            "layer": layer,
            "tracker": tracker,
            "mean_error": world.mean_error(config, seed, layer, tracker) + EARLIER * (step < STEPS),
            "mean_bias": 0.0,
            "variance_error": world.variance_error(config, seed, layer, tracker),
            "variance_bias": -0.5,
            "divergence": 0.0,
        }
        for seed, step, layer, tracker in product(
            config.seeds, (STEPS // 2, STEPS), layers, tracker_names(config)
        )
    ]


def _noise(config: TrialConfig, world: World) -> list[dict[str, Any]]:
    """Batch mean and deviation exactly as the closed forms say, at both probed sizes."""
    n, rows = EXAMPLES["train"], []
    layers = [f"norm{i + 1}" for i in range(len(config.hidden))] + ["network"]
    for seed, step, layer, m in product(
        config.seeds, (STEPS // 2, STEPS), layers, config.probe_batch_sizes
    ):
        kurtosis = math.nan if layer == "network" else world.kurtosis(config, seed, layer)
        spread = (n - m) / (n - 1) / m * (1 if step == STEPS else 9)
        rows.append(
            {
                "seed": seed,
                "step": step,
                "layer": layer,
                "norm_batch_size": m,
                "batches": 32,
                "mean_variance": math.nan if layer == "network" else spread,
                "deviation_variance": spread * (kurtosis + 2) / 4,
                "excess_kurtosis": kurtosis,
                "noise_penalty": world.penalty(config, seed) if layer == "network" else math.nan,
            }
        )
    return rows


def _curves(config: TrialConfig) -> list[dict[str, Any]]:
    reals = ("learning_rate", "loss", "gradient_norm", "weight_norm", "effective_learning_rate")
    return [
        {"seed": seed, "step": step, "epoch": float(step), **dict.fromkeys(reals, 0.5)}
        for seed, step in product(config.seeds, (STEPS // 2, STEPS))
    ]


def run_of(
    root: Path, trials: Sequence[TrialConfig], world: World | None = None, **how: Any
) -> Run:
    """A synthetic run, written and read back."""
    return read_run(write_run(root, trials, world, **how))

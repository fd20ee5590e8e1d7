"""The run of a watched training, made by hand: two layers, three averages, one probe or two."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.analysis.run.read import Run

TRIAL = {"trial_id": "a", "attempt": 0, "seed": 0, "norm_batch_size": 16}
STEPS = (50, 100)
TRACKERS = {
    "own": ("own", None),
    "unbiased/0.9": ("unbiased", 0.9),
    "cumulative": ("cumulative", None),
}
"""The rule and decay of each average."""

EXCESS = {"own": 0.02, "unbiased/0.9": 0.02, "cumulative": -0.001}
"""What each adds to the loss of 400 test examples at the end, with a standard error of 0.002."""


def watched_run(where: Path | str = "runs/mine", *, probed: bool = True, **model: Any) -> Run:
    """A training of 100 updates; unless `probed`, no data were given."""
    described = {"kind": "watched training", "class": "Net", "norms": [{}, {}], **model}
    if probed:
        described["train_examples"] = 100
    study = {
        "study": {"name": "mine", "dataset": {}, "scientific": {}, "nuisance": {}},
        "model": described,
        "hash": "0" * 12,
        "data": {},
        "sessions": [
            {"command": "caviar.watch('mine')", "started": "2026-11-28", "host": "h"}
            | {"machine": "m", "python": "3", "versions": {}, "blas": "torch"}
        ],
    }
    nothing = pd.DataFrame({"trial_id": []})
    return Run(
        where=where,
        study=study,
        trials=pd.DataFrame([{"trial_id": "a", "norm_batch_size": 16, "seeds": [0], "draw": 0}]),
        curves=pd.DataFrame(
            [{**TRIAL, "step": s, "loss": 50 / s, "weight_norm": 2.0} for s in STEPS]
        ),
        evaluations=pd.DataFrame(_evaluations()) if probed else nothing,
        statistics=pd.DataFrame(_statistics()) if probed else nothing,
        noise=pd.DataFrame(_noise()) if probed else nothing,
        predictions=nothing,
        outcomes=pd.DataFrame(
            [{"trial_id": "a", "attempt": 0, "status": "completed", "seconds": 1.0, "error": ""}]
        ),
    )


def _evaluations() -> list[dict[str, Any]]:
    rows = []
    for step, (split, examples) in product(STEPS, (("train", 100), ("test", 400))):
        place = {**TRIAL, "step": step, "split": split, "examples": examples, "accuracy": 0.5}
        place["probe_batch_size"] = 16
        exact = {"statistics": "population", "tracker": "", "loss": 0.5, "excess_error": None}
        batch = {"statistics": "batch", "tracker": "", "loss": 0.56, "excess_error": 0.01}
        rows += [{**place, **exact}, {**place, **batch}]
        for tracker, (rule, decay) in TRACKERS.items() if split == "test" else ():
            running = {"statistics": "running", "tracker": tracker, "excess_error": 0.002}
            running |= {"loss": 0.5 + EXCESS[tracker], "rule": rule, "tracker_decay": decay}
            rows.append({**place, **running})
    return rows


def _statistics() -> list[dict[str, Any]]:
    return [
        {
            **TRIAL,
            "step": step,
            "layer": layer,
            "tracker": tracker,
            "rule": rule,
            "tracker_decay": decay,
            "mean_error": error * 100 / step,
            "variance_error": 0.1,
        }
        for step in STEPS
        for layer, error in (("first", 0.3), ("second", 0.4))
        for tracker, (rule, decay) in TRACKERS.items()
    ]


def _noise() -> list[dict[str, Any]]:
    of_layers = {"first": (0.04, 0.05), "second": (0.01, 0.02)}
    rows: list[dict[str, Any]] = []
    for m in (16, 64):
        place = {**TRIAL, "step": 100, "probe_batch_size": m}
        rows.append({**place, "layer": "network", "noise_penalty": 1 / m})
        for layer, (mean, scatter) in of_layers.items():
            values = {"mean_variance": mean * 16 / m, "noise_to_signal": scatter * 16 / m}
            rows.append({**place, "layer": layer, **values})
    return rows

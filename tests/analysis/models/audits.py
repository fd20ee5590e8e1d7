"""Kept audits, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from caviar.analysis.run.read import Run
from tests.analysis.models.made import watched_run


def told(cause: str = "healthy", kl: float = 0.01, **changes: Any) -> dict[str, Any]:
    """What `caviar audit --json` prints, of two norms."""
    part = {"mean": {"rms": 10 * kl, "low": 0, "high": 1}, "log_variance": {"rms": 0.0}}
    layers = [
        {
            "name": name,
            "start": part,
            **dict.fromkeys(("sampling", "lag", "bias", "shift")),
            "kl_per_unit": kl * factor,
            "loss": kl * factor / 10,
        }
        for name, factor in (("first", 1), ("second", 2))
    ]
    return {
        "cause": cause,
        "sentence": f"It is {cause}.",
        "actions": ["Do this."],
        "also": None,
        "loss": {"stored": 0.5 + kl, "population": 0.5, "precise": 0.5, "batch": 0.6},
        "loss_of": "data",
        "batch_noise": {"16": 0.1, "64": 0.02},
        "batch_size": 16,
        "examples": 1000,
        "layers": layers,
        **changes,
    }


def audit_run(where: str = "runs/audit", **changes: Any) -> Run:
    """The run of an audit; `changes` are of what it told."""
    run = watched_run(where)
    run.study["model"] |= {"kind": "audit", "audit": told(**changes)}
    network = run.noise[run.noise["layer"] == "network"]
    return replace(run, curves=run.curves.iloc[:0], noise=network)

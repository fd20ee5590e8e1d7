"""Runs of which every seed diverged, told apart from those with a seed left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from caviar.analysis.run.divergence import MOST, all_diverged
from caviar.analysis.run.read import Run
from tests.analysis.synthetic import crossed, run_of

SIZES = {"norm_batch_size": [8, 64]}


def with_diverged(run: Run, spared: int = 0) -> Run:
    """All seeds of all trials diverged, but for the first ones of the first trial."""
    seeds = [list(s) for s in run.outcomes[["trial_id"]].merge(run.trials)["seeds"]]
    seeds[0] = seeds[0][spared:]
    return replace(
        run, outcomes=run.outcomes.assign(status="diverged", diverged_seeds=pd.Series(seeds))
    )


def test_each_size_is_named_once_all_seeds_diverged(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    assert all_diverged(run) == () == all_diverged(with_diverged(run, spared=1))
    first, *others = all_diverged(with_diverged(run))
    assert first.startswith("All 2 trials diverged, with every seed")
    assert others == [
        "batch_size 256, norm_batch_size 8, learning_rate 0.1: 1 trial, 6 seeds.",
        "batch_size 256, norm_batch_size 64, learning_rate 0.1: 1 trial, 6 seeds.",
    ]


def test_many_rates_are_counted(tmp_path: Path) -> None:
    rates = [0.1 + i for i in range(MOST)]
    run = run_of(tmp_path, crossed(SIZES, rates=rates), scientific=SIZES)
    lines = all_diverged(with_diverged(run))
    assert len(lines) == MOST + 2 and lines[-1] == f"And {MOST} more combinations."

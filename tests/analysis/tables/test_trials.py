"""Every trial, and how it ended."""

from __future__ import annotations

import math
from pathlib import Path

from caviar.analysis.tables.trials import trials_table
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import World, crossed, run_of, size, trial


def test_every_trial_is_listed_with_how_it_ended(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [4, 8, 16, 32, 64]}
    ends: dict[int, Status | None] = {4: "completed", 8: "failed", 16: "lost", 32: None}
    run = run_of(
        tmp_path,
        crossed(levels),
        World(test=lambda config, seed: math.nan if size(config) == 64 and seed < 2 else 0.1),
        scientific=levels,
        status=lambda config: ends.get(size(config), "completed"),
        error="it broke",
    )
    table = trials_table(run).set_index("norm_batch_size")
    assert table["status"].to_dict() == {
        4: "completed",
        8: "failed",
        16: "lost",
        32: "not yet tried",
        64: "diverged",
    }
    assert table["diverged_seeds"].to_dict() == {4: 0, 8: 0, 16: 0, 32: 0, 64: 2}
    assert table.loc[8, "error"] == "it broke"
    assert "learning_rate" not in table and "seeds" not in table


def test_trials_differ_in_lists_too(tmp_path: Path) -> None:
    trials = [trial(hidden=hidden, norm_batch_size=m) for hidden in ((8,), (8, 8)) for m in (8, 16)]
    table = trials_table(run_of(tmp_path, trials, scientific={"hidden": [[8], [8, 8]]}))
    assert {"hidden", "norm_batch_size"} <= set(table.columns)
    assert "dataset" not in table


def test_data_sets_are_named_where_they_differ(tmp_path: Path) -> None:
    other = DatasetConfig(path="other.csv", label="y")
    table = trials_table(run_of(tmp_path, [trial(), trial(dataset=other, learning_rate=0.2)]))
    assert set(table["dataset"]) == {"digits", "other.csv"}

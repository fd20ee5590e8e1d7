"""The tables that a report is made of, computed once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.tables.trials import trials_table
from caviar.analysis.tables.tuning import chosen_table
from caviar.runner.config import DatasetConfig, TrialConfig
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import World, compared, crossed, results_in, run_of, size, trial


def test_the_readings_of_a_table(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 256]}
    found = results_in(run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), scientific=levels))
    assert found.comparison.chooses
    for reading in (EVERY_DRAW, BEST_DRAW):
        assert set(found.reading("losses", reading)["reading"]) == {reading}
    assert len(found.reading("losses")) == len(found["losses"]) / 2
    assert found.reading("batch_noise") is found["batch_noise"]


def test_one_draw_leaves_nothing_to_choose(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 256]}
    found = results_in(run_of(tmp_path, crossed(levels), scientific=levels))
    assert not found.comparison.chooses
    assert found["chosen_draws"].empty


def test_a_run_without_a_comparison_has_no_tables(tmp_path: Path) -> None:
    levels = {"dropout": [0.0, 0.5]}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    nothing = results_of(run)
    assert isinstance(nothing, NoComparison) and nothing.run is run
    assert nothing.why.startswith("No batch size differs")


def test_equal_runs_give_equal_tables(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 256]}
    trials = crossed(levels, rates=(0.1, 0.2))
    one, other = (results_in(run_of(tmp_path / x, trials, scientific=levels)) for x in "ab")
    for name, table in one.tables().items():
        assert table.to_csv() == other[name].to_csv(), name


def test_what_the_best_draws_are(tmp_path: Path) -> None:
    """At 8 the lowest rate is best on all seeds; at 256 the middle one, but for seed 0's arm."""
    levels = {"norm_batch_size": [8, 256]}

    def validation(config: TrialConfig, seed: int) -> float:
        if size(config) == 8:
            return config.learning_rate
        if config.draw == 2:
            return -100.0 if seed == 1 else 1.0
        return [0.9, 0.5][config.draw]

    run = run_of(
        tmp_path,
        crossed(levels, rates=(0.1, 0.2, 0.4)),
        World(validation=validation),
        scientific=levels,
    )
    table = chosen_table(compared(run)).set_index("level")
    assert set(table["field"]) == {"learning_rate"} and set(table["seeds"]) == {6}
    shown = ["lowest", "median", "highest", "at_edge"]
    assert table.loc[8, shown].tolist() == [0.1, 0.1, 0.1, 6]
    # Only seed 1 does not see its own lucky loss at the highest rate.
    assert table.loc[256, shown].tolist() == [0.2, 0.4, 0.4, 5]


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


UNFINISHED: dict[str, Callable[[int], Status | None]] = {
    "only the smallest": lambda m: "completed" if m == 8 else None,
    "only the largest": lambda m: "completed" if m == 256 else None,
    "all but the largest": lambda m: "failed" if m == 256 else "completed",
}


@pytest.mark.parametrize("which", UNFINISHED)
def test_an_unfinished_run_has_findings(tmp_path: Path, which: str) -> None:
    levels = {"norm_batch_size": [8, 64, 256]}
    run = run_of(
        tmp_path,
        crossed(levels),
        scientific=levels,
        status=lambda config: UNFINISHED[which](size(config)),
    )
    found = results_in(run)
    assert found.reading("effect_of_size").empty
    assert not found.reading("losses").empty

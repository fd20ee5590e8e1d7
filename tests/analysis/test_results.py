"""The tables that a report is made of, computed once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import crossed, results_in, run_of, size


def test_the_readings_of_a_table(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 256]}
    results = results_in(run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), scientific=levels))
    assert results.comparison.chooses
    for reading in (EVERY_DRAW, BEST_DRAW):
        assert set(results.reading("losses", reading)["reading"]) == {reading}
    assert len(results.reading("losses")) == len(results["losses"]) / 2
    assert set(results.reading("losses")["reading"]) == {BEST_DRAW}
    assert results.reading("tuning") is results["tuning"]


def test_one_draw_leaves_nothing_to_choose(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 256]}
    results = results_in(run_of(tmp_path, crossed(levels), scientific=levels))
    assert not results.comparison.chooses
    assert results["chosen_draws"].empty


def test_a_run_without_a_comparison_has_no_tables(tmp_path: Path) -> None:
    levels = {"dropout": [0.0, 0.5]}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    nothing = results_of(run)
    assert isinstance(nothing, NoComparison) and nothing.run is run
    assert nothing.why.startswith("All trials have the same batch sizes")


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
    results = results_in(run)
    assert results.reading("effect_of_size").empty
    assert not results.reading("losses").empty

"""Runs that are small, odd, unfinished or old have findings and a page."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import answer
from caviar.analysis.report.write import write_report
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.read import Run, read_run
from caviar.runner.config import TrialConfig
from caviar.runner.trial.events import Status
from tests.analysis.page import Page, read_page
from tests.analysis.synthetic import (
    World,
    crossed,
    results_in,
    run_of,
    size,
    trial,
    wiggle,
    write_run,
)

SIZES = {"norm_batch_size": [8, 32, 64, 256]}
WHOLE = {"norm_batch_size": [1024]}
ALL_OF_IT: dict[str, Any] = {"shadow": True, "decays": (0.5, 0.99), "hidden": (8, 8)}


def every_arm(**fields: Any) -> list[TrialConfig]:
    fields = {**ALL_OF_IT, **fields}
    return [
        *crossed(SIZES, arm="batch", **fields),
        *crossed(SIZES, arm="stratified", ghosts="stratified", **fields),
        *crossed(SIZES, arm="leave-one-out", norm="leave-one-out", **fields),
        *crossed(WHOLE, arm="population", **fields),
        *crossed(WHOLE, arm="dropout-5", dropout=0.05, **fields),
        *crossed(WHOLE, arm="dropout-20", dropout=0.2, **fields),
    ]


def page_of(results: Results | NoComparison, folder: Path) -> Page:
    page = read_page(write_report(results, folder / "report").parent)
    assert page.whole and "nan" not in answer(results)
    return page


def written(run: Run, folder: Path) -> tuple[Results, Page]:
    results = results_in(run)
    page = page_of(results, folder)
    cells = {cell for table in page.tables for row in table for cell in row}
    assert not {"nan", "NaN", "None", "NaT"} & cells
    for name, table in results.tables().items():
        assert len(table) == 0 or len(table.columns), name
    return results, page


pytestmark = pytest.mark.slow  # some thirty pages
STUDIES: dict[str, Callable[[], list[TrialConfig]]] = {
    "no arms": lambda: crossed(SIZES, **ALL_OF_IT),
    "no arms, two draws": lambda: crossed(SIZES, rates=(0.1, 0.2), **ALL_OF_IT),
    "one draw": every_arm,
    "one seed": lambda: every_arm(seeds=range(1)),
    "one seed, two draws": lambda: every_arm(seeds=range(1), rates=(0.1, 0.2)),
    "four seeds": lambda: every_arm(seeds=range(4)),
    "two sizes": lambda: crossed({"norm_batch_size": [8, 256]}, **ALL_OF_IT),
    "no batch norm": lambda: crossed({"batch_size": [32, 64, 256]}, norm="none", hidden=(8,)),
    "the first arm is layer norm": lambda: [
        *crossed(SIZES, arm="layer", norm="layer"),
        *crossed(SIZES, arm="batch"),
        *crossed(WHOLE, arm="population"),
        *crossed(WHOLE, arm="dropout-5", dropout=0.05),
    ],
    "facets and arms": lambda: [
        config for act in ("relu", "tanh") for config in every_arm(activation=act, seeds=range(5))
    ],
    "B moves, m stays": lambda: crossed(
        {"batch_size": [64, 128, 256]}, norm_batch_size=8, **ALL_OF_IT
    ),
    "both move": lambda: crossed({"batch_size": [64, 128, 256]}, **ALL_OF_IT),
}
CROSSED = {
    "facets and arms": {"activation": ["relu", "tanh"], **SIZES},
    "no batch norm": {"batch_size": [32, 64, 256]},
    "B moves, m stays": {"batch_size": [64, 128, 256]},
    "both move": {"batch_size": [64, 128, 256]},
}


@pytest.mark.parametrize("which", STUDIES)
def test_a_page_is_written_of(tmp_path: Path, which: str) -> None:
    run = run_of(tmp_path, STUDIES[which](), scientific=CROSSED.get(which, SIZES))
    results, page = written(run, tmp_path)
    assert {"losses", "effect_of_size", "trials"} <= results.tables().keys()
    assert len(page.tables) >= 4


def search_with(norm: str) -> list[TrialConfig]:
    """Twelve draws, every other one at m = 64."""
    return [
        trial(norm_batch_size=(8, 64)[i % 2], draw=i, learning_rate=0.1 + i, norm=norm, **ALL_OF_IT)
        for i in range(12)
    ]


def test_an_unpaired_search_has_a_page(tmp_path: Path) -> None:
    results, page = written(run_of(tmp_path, search_with("batch")), tmp_path)
    for name in ("trends", "best_size", "best_decay", "memory_scaling", "equivalent_strength"):
        assert results[name].empty
    assert len(page.tables) >= 3


def test_a_search_without_batch_norm_has_a_page_that_says_so(tmp_path: Path) -> None:
    results = results_of(run_of(tmp_path, search_with("none")))
    assert isinstance(results, NoComparison) and "norm = none" in results.why
    page_of(results, tmp_path)


UNFINISHED: dict[str, Callable[[TrialConfig], bool]] = {
    "the first arm alone": lambda config: config.arm == "batch",
    "one size of every arm": lambda config: size(config) in (8, 1024),
    "all but the reference": lambda config: size(config) != 256,
    "without population": lambda config: config.arm != "population",
    "one arm of each kind": lambda config: config.arm in ("batch", "stratified", "dropout-20"),
    "one draw": lambda config: config.draw == 0,
}


@pytest.mark.parametrize("which", UNFINISHED)
def test_an_unfinished_run_has_a_page(tmp_path: Path, which: str) -> None:
    def status(config: TrialConfig) -> Status | None:
        return "completed" if UNFINISHED[which](config) else None

    run = run_of(tmp_path, every_arm(rates=(0.1, 0.2)), scientific=SIZES, status=status)
    results, page = written(run, tmp_path)
    assert len(page.tables) >= 5
    assert "nothing to compare" not in answer(results)


def test_a_run_whose_first_arm_is_to_come_has_a_page(tmp_path: Path) -> None:
    def status(config: TrialConfig) -> Status | None:
        return "completed" if config.arm != "batch" else None

    results = results_of(run_of(tmp_path, every_arm(), scientific=SIZES, status=status))
    assert not page_of(results, tmp_path).tables
    assert "No trial of the arm batch has finished yet" in answer(results)


@pytest.mark.parametrize(
    ("where", "bad"),
    [
        (("batch", 8), math.inf),
        (("batch", 256), math.nan),
        (("stratified", 32), math.nan),
        (("population", 1024), math.inf),
    ],
)
def test_a_run_with_a_diverged_arm_has_a_page(
    tmp_path: Path, bad: float, where: tuple[str, int]
) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        lost = (config.arm, size(config)) == where
        return bad if lost else 0.3 + config.dropout + wiggle(config, seed)

    world = World(train=loss, validation=loss, test=loss)
    run = run_of(tmp_path, every_arm(), world, scientific=SIZES)
    results, _ = written(run, tmp_path)
    if where == ("batch", 8):
        bands = results["effect_of_size"].set_index(["quantity", "level"])["band_low"]
        assert math.isnan(bands["test_loss", 8]) and math.isfinite(bands["test_loss", 32])


def test_a_run_that_diverged_everywhere_has_a_page(tmp_path: Path) -> None:
    def nowhere(config: TrialConfig, seed: int) -> float:
        return math.nan

    lost = World(nowhere, nowhere, nowhere)
    results = results_of(run_of(tmp_path, every_arm(), lost, scientific=SIZES))
    assert not page_of(results, tmp_path).tables
    assert "trials diverged, with every seed" in answer(results)


NEW: dict[str, list[str]] = {
    "outcomes": ["probe_seconds", "invariants"],
    "noise": [
        *("noise_to_signal", "coupling", "external_penalty", "self_influence"),
        *("predicted_self_influence", "partition_variance", "gradient_variance"),
    ],
    "statistics": [
        f"{of}_{part}"
        for of in ("mean", "variance")
        for part in ("sampling", "staleness", "propagation")
    ],
    "trials": [
        *("arm", "ghosts", "partitions", "noise_shared", "gamma_decay", "ghost_update", "shadow"),
        *("renorm_r_max", "renorm_d_max", "renorm_decay", "renorm_ramp", "log_probabilities"),
    ],
}


def made_old(root: Path) -> None:
    """Take away on disk what an earlier version did not write."""
    for table, columns in NEW.items():
        for part in (root / table).glob("part-*.parquet"):
            rows = pd.read_parquet(part)
            rows.drop(columns=columns).to_parquet(part)
    for part in (root / "evaluations").glob("part-*.parquet"):
        rows = pd.read_parquet(part)
        rows[~rows["statistics"].isin(["precise", "evalnorm"])].to_parquet(part)
    for part in (root / "predictions").glob("part-*.parquet"):
        part.unlink()


def test_an_old_run_has_the_page_of_what_it_measured(tmp_path: Path) -> None:
    root = write_run(tmp_path / "run", crossed(SIZES, **ALL_OF_IT), scientific=SIZES)
    new = results_in(read_run(root))
    made_old(root)
    results, page = written(read_run(root), tmp_path)
    for name in ("gradient_noise", "error_parts", "arm_effects", "equivalent_strength"):
        assert results[name].empty, name
    same = ("noise_penalty", "effect_of_size", "best_size", "running_damage", "best_decay")
    for name in same:
        pd.testing.assert_frame_equal(results[name], new[name])
    assert set(results["penalties"]["quantity"]) == {"noise_penalty"}
    assert set(results["repairs"]["statistics"]) == {"batch"}
    assert len(page.tables) >= 12


def test_a_run_without_any_penalty_of_the_network_has_a_page(tmp_path: Path) -> None:
    root = write_run(tmp_path / "run", crossed(SIZES), scientific=SIZES)
    made_old(root)
    for part in (root / "noise").glob("part-*.parquet"):
        pd.read_parquet(part).drop(columns="noise_penalty").to_parquet(part)
    results, _ = written(read_run(root), tmp_path)
    assert results["penalties"].empty and results["penalty_split"].empty
    assert len(results["batch_noise"])

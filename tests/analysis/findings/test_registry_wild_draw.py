"""A wild draw moves nothing that is told: answers, figures and fits are read at tuned draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import BY_NAME
from caviar.analysis.report.answer import answer, headlines
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.tables.planned_power import of_pilot
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size, wiggle

SIZES = {"norm_batch_size": [8, 64, 256]}
WINE = DatasetConfig(name="wine", fingerprint="wine")
WATCHED: dict[str, Any] = {
    "shadow": True,
    "decays": (0.5, 0.99),
    "conventions": ("unbiased", "biased", "cumulative"),
}
WILD = 1
"""The draw that is worst by validation in both worlds, and wild in one of them."""

ABOUT_DRAWS = {"tuning", "tuning_spread", "specifications", "best"}
"""What shows every draw side by side."""


def world(wild: float) -> World:
    """One in which all that the draw `WILD` measures is `wild` times as much."""

    def times(config: TrialConfig) -> float:
        return wild if config.draw == WILD else 1.0

    def loss(of_size: Callable[[int], float]) -> Callable[[TrialConfig, int], float]:
        return lambda c, s: times(c) * (of_size(size(c)) + c.dropout + wiggle(c, s))

    def error(c: TrialConfig, s: int, layer: str, tracker: str) -> float:
        return times(c) * (1 + len(tracker)) * (0.4 / size(c) + wiggle(c, s) / 10)

    return World(
        train=loss(lambda m: 0.2 + 1 / m),
        validation=lambda c, s: 1.0 + c.draw + wiggle(c, s),
        test=loss(lambda m: 0.3 + abs(math.log2(m / 64)) / 20),
        penalty=lambda c, s: times(c) * (1 / size(c) + wiggle(c, s) / 20),
        damage=lambda c, s, tracker: times(c) * (len(tracker) / size(c) + wiggle(c, s)) / 10,
        mean_error=error,
        variance_error=error,
        precise=lambda c, s: -0.1 * times(c) + wiggle(c, s),
        evalnorm=lambda c, s: 0.1 * times(c) + wiggle(c, s),
        network=lambda c, s, m: {"partition_variance": 0.5 * times(c), "gradient_variance": 2.0},
        kurtosis=lambda c, s, layer: times(c) * (1 + s / 10),
    )


def results_with(root: Path, wild: float) -> Results:
    """Batch norm, population statistics and dropout at two rates, beside another data set."""
    trials = [
        *crossed(SIZES, arm="batch", rates=(0.1, 0.2), **WATCHED),
        *crossed({"norm_batch_size": [1024]}, arm="population", rates=(0.1, 0.2)),
        *crossed({"dropout": [0.05]}, norm_batch_size=1024, arm="dropout-5", rates=(0.1, 0.2)),
        *crossed({"dropout": [0.2]}, norm_batch_size=1024, arm="dropout-20", rates=(0.1, 0.2)),
    ]
    run = run_of(root / "run", trials, world(wild), scientific=SIZES)
    beside = crossed(SIZES, rates=(0.1, 0.2), dataset=WINE)
    return results_in(run, run_of(root / "wine", beside, world(wild), scientific=SIZES))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Results]:
    root = tmp_path_factory.mktemp("wild")
    return results_with(root / "tame", 1.0), results_with(root / "wild", 1000.0)


def told(results: Results, name: str) -> pd.DataFrame:
    """The rows of a table that are not averages over draws."""
    table = results[name].drop(columns=["trial_id", "draws"], errors="ignore")
    if "reading" in table:
        table = table[table["reading"] != EVERY_DRAW].reset_index(drop=True)
    return table


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in ABOUT_DRAWS])
def test_no_table_moves(both: tuple[Results, Results], name: str) -> None:
    tame, wild = (told(results, name) for results in both)
    pd.testing.assert_frame_equal(tame, wild)


FULL = (
    *("batch_noise", "noise_penalty", "noise_penalty_exponent", "penalty_split", "readers"),
    *("running_damage", "variance_estimators", "repairs", "best_decay", "error_parts_over_time"),
    *("equivalent_strength", "arm_effects", "designs", "across_data_sets", "gradient_noise"),
)


def test_these_tables_have_rows_to_move(both: tuple[Results, Results]) -> None:
    for name in FULL:
        assert len(told(both[1], name)), name
        if "reading" in both[1][name] and name not in ("designs", "equivalent_strength"):
            assert set(both[1].reading(name)["reading"]) == {BEST_DRAW}, name


def test_only_sentences_about_draws_move(both: tuple[Results, Results]) -> None:
    tame, wild = ([*headlines(one), *answer(one).splitlines()] for one in both)
    moved = [new for old, new in zip(tame, wild, strict=True) if old != new]
    assert len(moved) == 1
    assert "Averaged over these two learning rates" in moved[0]


def test_a_pilots_spread_is_that_of_tuned_draws(both: tuple[Results, Results]) -> None:
    tame, wild = (of_pilot(one.run) for one in both)
    assert tame == wild

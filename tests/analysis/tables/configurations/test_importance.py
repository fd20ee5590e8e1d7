"""Importance: what matters is told from what does not, and edges of what matters are seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.tables.configurations.importance import (
    EXPLAINED,
    FEWEST_TRIALS,
    _drops,
    best_count,
    field_importance,
    finite,
)
from caviar.analysis.tables.configurations.ranking import ranking
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import compared, crossed, run_of
from tests.analysis.tables.configurations.searches import search


def importance(root: Path, count: int = 60, **how: object) -> pd.DataFrame:
    run = search(root, count, **how)  # type: ignore[arg-type]
    return field_importance(compared(run), ranking(run)).set_index("field")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return importance(tmp_path_factory.mktemp("importance"))


def test_the_field_that_rules_the_loss_comes_first(table: pd.DataFrame) -> None:
    assert list(table.index)[:2] == [EXPLAINED, "learning_rate"]
    whole, rate = table.iloc[0], table.loc["learning_rate"]
    assert whole["mean"] > 0.9 and rate["low"] > 0.5
    assert (table.loc[["momentum", "norm_batch_size"], "mean"].abs() < 0.05).all()


def test_the_best_lie_at_the_edge_of_what_matters_alone(table: pd.DataFrame) -> None:
    assert table["edge"].to_dict() == {
        **dict.fromkeys((EXPLAINED, "momentum", "norm_batch_size"), ""),
        "learning_rate": "high",
    }
    rate = table.loc["learning_rate"]
    assert rate["best"] == rate["highest"] > rate["lowest"]


def test_shuffling_the_only_field_costs_twice_the_variance() -> None:
    """Of a forest that knows y: (y - y') squared has mean 2 var(y) for independent y, y'."""
    places = np.linspace(0, 1, 150)[:, None]
    drops = np.array(list(_drops(places, places[:, 0])))
    assert drops[:, 0].mean() == pytest.approx(1, abs=0.02)
    assert drops[:, 1].mean() == pytest.approx(2, abs=0.1)


def test_luck_is_not_told_as_a_field_that_matters(tmp_path: Path) -> None:
    def luck(config: TrialConfig, seed: int) -> float:
        return float(np.exp(np.random.default_rng(config.draw).normal()))

    table = importance(tmp_path, loss=luck)
    assert (table["low"] < 0).all() and (table["edge"] == "").all()


def test_few_trials_say_nothing_about_importance(tmp_path: Path) -> None:
    table = importance(tmp_path, FEWEST_TRIALS - 1)
    assert table[["mean", "low", "high"]].isna().all().all() and len(table) == 4
    assert (table["edge"] == "").all() and table["best"].notna().sum() == 3


def test_one_loss_of_all_trials_says_nothing_about_importance(tmp_path: Path) -> None:
    table = importance(tmp_path, FEWEST_TRIALS, loss=lambda config, seed: 0.3)
    assert table[["mean", "low", "high"]].isna().all().all() and len(table) == 4


def test_nothing_that_was_crossed_is_searched(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    run = run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), scientific=levels)
    assert field_importance(compared(run), ranking(run)).empty


def test_trials_that_diverged_are_left_out(tmp_path: Path) -> None:
    ranked = pd.DataFrame({"diverged_seeds": [0, 1, 0], "mean": [0.1, 0.2, 0.0]})
    assert finite(ranked)["mean"].tolist() == [0.1] and finite(pd.DataFrame()).empty
    assert [best_count(n) for n in (10, 60, 200)] == [5, 6, 20]

"""Ways to read the test set, in worlds whose losses are known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.running_statistics import biased_less_unbiased, readers
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [4, 64]}
RULES = ("biased", "unbiased")
COST = {"biased/0.9": 0.02, "unbiased/0.9": 0.05, "biased/0.5": 0.3, "unbiased/0.5": 0.4}


def spread(seed: int) -> float:
    return math.sin(3.0 * seed) / 50


def damage(config: TrialConfig, seed: int, tracker: str) -> float:
    return COST[tracker] * (1 + seed) / size(config) + config.draw


KNOWN = World(
    test=lambda config, seed: 100.0 * seed,
    damage=damage,
    precise=lambda config, seed: spread(seed) - 0.1 / size(config) + config.draw,
    evalnorm=lambda config, seed: 0.25 + config.draw,
    penalty=lambda config, seed: -9.0,
)


def losses(level: int) -> dict[str, Any]:
    """Over the population's, by reader and seed, of two draws averaged."""
    seeds = np.arange(6.0)
    costs = {
        f"{name.split('/')[0]}, decay {name.split('/')[1]}": cost * (1 + seeds) / level + 0.5
        for name, cost in COST.items()
    }
    precise = np.array([spread(int(s)) for s in seeds]) - 0.1 / level + 0.5
    return {
        "population": 0 * seeds,
        "precise": precise,
        "evalnorm": 0.75 + 0 * seeds,
        **costs,
        "batch": -9.0 + 0 * seeds,
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    trials = crossed(SIZES, rates=(0.1, 0.2), conventions=RULES, decays=(0.5,))
    run = run_of(tmp_path_factory.mktemp("readers"), trials, KNOWN, scientific=SIZES)
    return readers(compared(run))


@pytest.mark.parametrize("level", [4, 64])
def test_costs_are_those_over_the_best_available_reader(table: pd.DataFrame, level: int) -> None:
    """Seed 0 chooses. The test batch's own statistics are lowest by far, and not available."""
    rows = table[(table["reading"] == "every draw") & (table["level"] == level)]
    expected = losses(level)
    assert set(rows["reader"]) == set(expected) and set(rows["best"]) == {"population"}
    for row in rows.to_dict("records"):
        interval = mean_interval(expected[row["reader"]][1:], np.random.default_rng(0))
        estimate = (row["mean"], row["low"], row["high"], row["units"])
        assert estimate == pytest.approx(interval)
        assert row["left_out"] == 0


def test_validation_loss_of_the_choosing_seeds_decides(tmp_path: Path) -> None:
    """On seed 0 precise statistics are best, on all others the population's."""
    world = World(
        damage=lambda config, seed, tracker: 0.1,
        precise=lambda config, seed: 0.25 if seed else -0.5,
    )
    run = run_of(tmp_path, crossed(SIZES, conventions=RULES), world, scientific=SIZES)
    rows = readers(compared(run)).set_index(["level", "reader"])
    best = rows.loc[(4, "precise")]
    assert (best["best"], best["mean"], best["low"], best["units"]) == ("precise", 0, 0, 5)
    assert rows.loc[(4, "population"), "mean"] == pytest.approx(-0.25)
    assert rows.loc[(4, "unbiased, decay 0.9"), "mean"] == pytest.approx(-0.15)


def test_the_best_is_chosen_by_validation_loss_whatever_the_test_loss_says(tmp_path: Path) -> None:
    """EvalNorm costs a quarter on both splits, but on validation it is made the best."""
    run = run_of(
        tmp_path, crossed(SIZES, conventions=RULES), World(evalnorm=lambda *_: 0.25),
        scientific=SIZES,
    )  # fmt: skip
    rows = run.evaluations
    favoured = (rows["split"] == "validation") & (rows["statistics"] == "evalnorm")
    run = replace(run, evaluations=rows.assign(loss=rows["loss"] - 9.0 * favoured))
    table = readers(compared(run)).set_index(["level", "reader"])
    assert set(table["best"]) == {"evalnorm"}
    assert table.loc[(4, "population"), "mean"] == pytest.approx(-0.25)


def test_what_is_not_finite_is_counted_and_never_the_best(tmp_path: Path) -> None:
    def evalnorm(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), seed) in {(4, 2), (64, 0)} else -0.25

    run = run_of(
        tmp_path, crossed(SIZES, conventions=RULES), World(evalnorm=evalnorm), scientific=SIZES
    )
    rows = readers(compared(run)).set_index(["level", "reader"])
    assert set(rows.loc[4, "best"]) == {"evalnorm"} and set(rows.loc[64, "best"]) == {"precise"}
    assert rows.loc[(4, "population"), ["units", "left_out"]].tolist() == [4, 1]
    assert rows.loc[(64, "population"), ["units", "left_out"]].tolist() == [5, 0]


def test_the_two_variances_at_the_same_decay(tmp_path: Path) -> None:
    trials = crossed(SIZES, conventions=RULES, decays=(0.5,))
    rows = biased_less_unbiased(compared(run_of(tmp_path, trials, KNOWN, scientific=SIZES)))
    means = rows.set_index(["tracker_decay", "level"])["mean"].to_dict()
    expected = {
        (d, m): (COST[f"biased/{d}"] - COST[f"unbiased/{d}"]) * 3.5 / m
        for d in (0.5, 0.9)
        for m in (4, 64)
    }
    assert means == pytest.approx(expected)


def test_without_both_variances_there_is_no_difference(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES, conventions=("unbiased",)), KNOWN, scientific=SIZES)
    assert biased_less_unbiased(compared(run)).empty

"""Draws on runs whose best draw, spread and choices are known."""

from __future__ import annotations

from pathlib import Path
from statistics import stdev

import pandas as pd
import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.tables.tuning import chosen_table, tuning, tuning_spread
from caviar.runner.config import TrialConfig
from tests.analysis.page import has_section
from tests.analysis.synthetic import World, compared, crossed, results_in, run_of, size, trial

SIZES = {"norm_batch_size": [8, 64]}
RATES = (0.2, 0.1, 0.4)
BEST = {8: 0.1, 64: 0.2}
"""Of validation: the lowest drawn at 8, one in the middle at 64. Of test it is 0.4."""
NOISE = (-0.02, -0.01, 0.0, 0.0, 0.01, 0.02)


def validation(config: TrialConfig, seed: int) -> float:
    return 0.5 + abs(config.learning_rate - BEST[size(config)]) + NOISE[seed]


def test(config: TrialConfig, seed: int) -> float:
    return 1.0 - config.learning_rate + 2 * NOISE[seed]


test.__test__ = False  # type: ignore[attr-defined]
WORLD = World(validation=validation, test=test)


def drawn(root: Path, **fields: object) -> Run:
    return run_of(root, crossed(SIZES, rates=RATES, **fields), WORLD, scientific=SIZES)


def of(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    return tuning(compared(run)), tuning_spread(compared(run))


def test_every_draw_has_its_mean_over_seeds(tmp_path: Path) -> None:
    table, _ = of(drawn(tmp_path))
    assert len(table) == 3 * 2 * 3
    rows = table[table["quantity"] == "test_loss"].set_index(["level", "learning_rate"])
    for level in (8, 64):
        for draw, rate in enumerate(RATES):
            row = rows.loc[(level, rate)]
            assert row["mean"] == pytest.approx(1 - rate)
            assert row["low"] < row["mean"] < row["high"]
            assert (row["draw"], row["units"], row["left_out"]) == (draw, 6, 0)
    held = table[table["quantity"] == "validation_loss"].set_index(["level", "learning_rate"])
    assert held.loc[(8, 0.4), "mean"] == pytest.approx(0.8)
    assert rows.loc[8].index.tolist() == sorted(RATES)


def test_the_best_draw_is_that_of_validation_and_may_lie_at_the_edge(tmp_path: Path) -> None:
    table, _ = of(drawn(tmp_path))
    best = table[table["best"]]
    assert dict(zip(best["level"], best["learning_rate"], strict=True)) == BEST
    edge = dict(zip(table["learning_rate"], table["at_edge"], strict=True))
    assert edge == {0.1: "learning_rate", 0.2: "", 0.4: "learning_rate"}


def test_few_seeds_have_no_interval(tmp_path: Path) -> None:
    table, spread = of(drawn(tmp_path, seeds=range(4)))
    assert table["low"].isna().all() and table["mean"].notna().all()
    assert spread["low"].isna().all() and set(table["units"]) == {4}


def test_spread_between_draws_and_between_seeds(tmp_path: Path) -> None:
    _, spread = of(drawn(tmp_path))
    rows = spread[(spread["quantity"] == "test_loss") & (spread["level"] == 8)]
    draws, seeds = rows.set_index("over").loc[["draws", "seeds"]].to_dict("records")
    assert draws["deviation"] == pytest.approx(stdev(RATES)) and draws["units"] == 3
    assert seeds["deviation"] == pytest.approx(2 * stdev(NOISE)) and seeds["units"] == 6
    assert seeds["low"] < seeds["deviation"] < seeds["high"]
    assert pd.isna(draws["low"]) and (draws["left_out"], seeds["left_out"]) == (0, 0)


def test_what_failed_and_diverged_is_counted(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        bad = (size(config), config.draw, seed) == (8, 1, 0)
        return float("inf") if bad else test(config, seed)

    run = run_of(
        tmp_path,
        crossed(SIZES, rates=RATES),
        World(test=loss, validation=validation),
        scientific=SIZES,
        status=lambda c: "failed" if (size(c), c.draw) == (8, 2) else "completed",
    )
    table, spread = of(run)
    rows = table[table["quantity"] == "test_loss"].set_index(["level", "draw"])
    assert rows.loc[(8, 1), ["units", "left_out"]].tolist() == [5, 1]
    assert rows.loc[(8, 1), "mean"] == pytest.approx(0.9 - 2 * NOISE[0] / 5)
    assert (8, 2) not in rows.index and not rows["mean"].isna().any()
    of_size = spread[(spread["quantity"] == "test_loss") & (spread["level"] == 8)]
    assert of_size["left_out"].tolist() == [7, 7] and of_size["units"].tolist() == [2, 6]


def test_all_drawn_numbers_but_the_size_are_there(tmp_path: Path) -> None:
    """Also in a plain random search, where nothing is chosen."""
    points = [(8, 0.1, 0.9), (64, 0.2, 0.5), (8, 0.3, 0.7)]
    trials = [
        trial(norm_batch_size=m, learning_rate=rate, momentum=momentum, draw=draw)
        for draw, (m, rate, momentum) in enumerate(points)
    ]
    fields = ("norm_batch_size", "momentum", "learning_rate")
    run = run_of(tmp_path, trials, World(test=test), nuisance=fields)
    table, _ = of(run)
    rows = table[table["quantity"] == "test_loss"].sort_values("draw")
    assert rows[["level", "learning_rate", "momentum"]].to_numpy().tolist() == [*map(list, points)]
    assert rows.columns.tolist()[3:6] == ["draw", "learning_rate", "momentum"]
    assert set(rows["units"]) == {6} and set(rows["left_out"]) == {0} and not rows["best"].any()
    assert rows["at_edge"].tolist() == ["learning_rate, momentum", "momentum", "learning_rate"]


def test_with_one_draw_the_page_has_neither(tmp_path: Path) -> None:
    results = results_in(run_of(tmp_path, crossed(SIZES), WORLD, scientific=SIZES))
    names = ("tuning", "tuning_spread", "specifications")
    assert all(results[name].empty for name in names)
    assert not any(has_section(results, name) for name in names)


def test_what_the_best_draws_are(tmp_path: Path) -> None:
    """At 8 the lowest rate is best; at 256 the middle one, which the choosing seed 0 says alone."""
    levels = {"norm_batch_size": [8, 256]}

    def validation(config: TrialConfig, seed: int) -> float:
        if size(config) == 8:
            return config.learning_rate
        return [0.9, 0.5 if seed == 0 else 2.0, 1.0][config.draw]

    run = run_of(
        tmp_path,
        crossed(levels, rates=(0.1, 0.2, 0.4)),
        World(validation=validation),
        scientific=levels,
    )
    table = chosen_table(compared(run)).set_index("level")
    assert set(table["field"]) == {"learning_rate"} and set(table["seeds"]) == {5}
    shown = ["chosen", "lowest", "highest", "at_edge"]
    assert table.loc[8, shown].tolist() == [0.1, 0.1, 0.4, True]
    assert table.loc[256, shown].tolist() == [0.2, 0.1, 0.4, False]

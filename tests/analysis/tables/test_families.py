"""What is said of all sizes together: bands, families of p-values, power and equivalence."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.power import TTestPower

from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.tables.estimates import contrasts
from caviar.analysis.tables.families import MARGINS, differences, family

SEEDED = Design("norm_batch_size", (8.0, 16.0, 64.0), (), "seed", "m")
SEARCHED = Design("norm_batch_size", (8.0, 16.0, 64.0), (), "trial_id", "m")
SEEDS = 8
EFFECTS = {8.0: 0.02, 16.0: 0.001, 64.0: 0.0}
"""Of test loss: one well beyond the margin of 0.005, one well within."""
SPREADS = {8.0: 0.004, 16.0: 0.0005, 64.0: 0.0}


def rows_of(draws: int = 1, facet: str = "") -> pd.DataFrame:
    """Losses of eight seeds whose own level is a hundred times any difference."""
    generator = np.random.default_rng(20260101)
    table = []
    for draw, (level, effect) in itertools.product(range(draws), EFFECTS.items()):
        noise = generator.standard_normal(SEEDS) * SPREADS[level]
        for seed in range(SEEDS):
            table.append(
                {
                    "facet": facet,
                    "level": level,
                    "draw": draw,
                    "seed": seed,
                    "trial_id": f"{level}-{draw}",
                    "test_loss": seed + 10.0 * draw + effect + noise[seed],
                }
            )
    return pd.DataFrame(table).sample(frac=1, random_state=0)


def by_hand(rows: pd.DataFrame, level: float) -> Any:
    """Differences from level 64, paired by seed and draw, draws averaged, by seed."""
    loss = rows.set_index(["level", "draw", "seed"])["test_loss"].to_dict()
    draws = sorted(rows["draw"].unique())
    return np.array(
        [
            np.mean([loss[level, draw, seed] - loss[64.0, draw, seed] for draw in draws])
            for seed in range(SEEDS)
        ]
    )


@pytest.mark.parametrize("draws", [1, 2])
def test_differences_are_paired_by_seed_and_draw(draws: int) -> None:
    rows = rows_of(draws)
    wide = differences(rows, SEEDED, "test_loss", EVERY_DRAW)
    assert wide.columns.tolist() == [8, 16]
    for level in (8.0, 16.0):
        assert wide[level].to_numpy() == pytest.approx(by_hand(rows, level))


def test_differences_under_the_best_draw_are_between_draws() -> None:
    """Every seed has one row per size, of any draw."""
    rows = rows_of(2)
    chosen = rows[rows["draw"] == (rows["level"] == 64)]
    wide = differences(chosen, SEEDED, "test_loss", BEST_DRAW)
    small = chosen[chosen["level"] == 16].set_index("seed")["test_loss"].sort_index()
    large = chosen[chosen["level"] == 64].set_index("seed")["test_loss"].sort_index()
    assert wide[16.0].to_numpy() == pytest.approx((small - large).to_numpy())


def test_the_family_by_hand() -> None:
    rows = rows_of()
    table = family(rows, SEEDED, "test_loss", EVERY_DRAW).set_index("level")
    flips = np.array(list(itertools.product([1, -1], repeat=SEEDS)))
    p_values = []
    for level in (8.0, 16.0):
        column, row = by_hand(rows, level), table.loc[level]
        means = np.abs(flips @ column)
        p_values.append(np.mean(means >= abs(column.sum()) * (1 - 1e-9)))
        assert row["p_value"] == pytest.approx(p_values[-1])
        power = TTestPower().power(
            row["detectable"] / column.std(ddof=1), SEEDS, 0.05, alternative="two-sided"
        )
        assert power == pytest.approx(0.8, abs=1e-6)
    both = np.column_stack([by_hand(rows, level) for level in (8.0, 16.0)])
    sums = np.abs(flips @ (both / np.linalg.norm(both, axis=0)))
    observed = np.abs((both / np.linalg.norm(both, axis=0)).sum(axis=0))
    first = int(observed.argmax())
    together = np.mean(sums.max(axis=1) >= observed[first] - 1e-9)
    adjusted = {first: together, 1 - first: max(together, p_values[1 - first])}
    assert table["p_family"].tolist() == pytest.approx([adjusted[0], adjusted[1]])
    assert table["equivalent"].tolist() == [False, True]
    assert MARGINS["test_loss"] == 0.005


def test_bands_are_wider_than_intervals_about_the_same_means() -> None:
    rows = rows_of()
    table = family(rows, SEEDED, "test_loss", EVERY_DRAW)
    single = contrasts(rows, SEEDED, "test_loss")
    assert table["level"].tolist() == single["level"].tolist()
    width = (table["band_high"] - table["band_low"]) / (single["high"] - single["low"])
    assert (width > 1.05).all() and (width < 4).all()
    inside = (table["band_low"] < single["mean"]) & (single["mean"] < table["band_high"])
    assert inside.all()


def test_bands_of_a_family_of_one_are_the_interval() -> None:
    """Up to the randomness of 4000 resamples: within a tenth of the width."""
    rows = rows_of()
    rows = rows[rows["level"] != 8]
    (row,) = family(rows, SEEDED, "test_loss", EVERY_DRAW).to_dict("records")
    (single,) = contrasts(rows, SEEDED, "test_loss").to_dict("records")
    width = single["high"] - single["low"]
    assert row["band_low"] == pytest.approx(single["low"], abs=width / 10)
    assert row["band_high"] == pytest.approx(single["high"], abs=width / 10)
    assert row["p_family"] == row["p_value"]


def test_facets_are_families_of_their_own() -> None:
    rows = pd.concat([rows_of(facet="a"), rows_of(facet="b").query("level != 8")])
    table = family(rows, SEEDED, "test_loss", EVERY_DRAW)
    assert table[["facet", "level"]].to_numpy().tolist() == [["a", 8], ["a", 16], ["b", 16]]
    by = table.set_index(["facet", "level"])
    assert by.loc[("b", 16.0), "p_family"] == by.loc[("b", 16.0), "p_value"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_size_that_diverged_everywhere_leaves_the_others_their_bands(bad: float) -> None:
    rows = rows_of()
    lost = rows.assign(test_loss=rows["test_loss"].where(rows["level"] != 8, bad))
    table = family(lost, SEEDED, "test_loss", EVERY_DRAW)
    assert table["level"].tolist() == [16]
    alone = family(rows[rows["level"] != 8], SEEDED, "test_loss", EVERY_DRAW)
    assert table.equals(alone)


def test_a_seed_that_diverged_at_one_size_has_no_part_in_any_band() -> None:
    rows = rows_of()
    here = (rows["level"] == 8) & (rows["seed"] == 2)
    lost = rows.assign(test_loss=rows["test_loss"].where(~here, math.inf))
    table = family(lost, SEEDED, "test_loss", EVERY_DRAW)
    without = family(rows[rows["seed"] != 2], SEEDED, "test_loss", EVERY_DRAW)
    assert table[["band_low", "band_high"]].equals(without[["band_low", "band_high"]])


def test_a_draw_that_diverged_is_left_out_of_its_seed() -> None:
    rows = rows_of(2)
    here = (rows["level"] == 8) & (rows["seed"] == 2) & (rows["draw"] == 1)
    lost = rows.assign(test_loss=rows["test_loss"].where(~here, math.nan))
    wide = differences(lost, SEEDED, "test_loss", EVERY_DRAW)
    expected = by_hand(rows[rows["draw"] == 0], 8.0)[2]
    assert wide.loc[2, 8.0] == pytest.approx(expected)


def test_nothing_is_said_of_unpaired_trials_or_without_the_reference() -> None:
    rows = rows_of()
    columns = ["facet", "level", "band_low", "band_high", "p_value", "p_family"]
    for table in (
        family(rows, SEARCHED, "test_loss", EVERY_DRAW),
        family(rows[rows["level"] != 64], SEEDED, "test_loss", EVERY_DRAW),
        family(rows.iloc[:0], SEEDED, "test_loss", EVERY_DRAW),
    ):
        assert table.empty and set(columns) <= set(table.columns)


def test_four_seeds_have_p_values_but_no_bands() -> None:
    rows = rows_of()
    table = family(rows[rows["seed"] < 4], SEEDED, "test_loss", EVERY_DRAW)
    assert table[["band_low", "band_high"]].isna().all(axis=None)
    assert (table["p_value"] >= 1 / 8).all() and not table["equivalent"].any()


def test_too_few_seeds_are_told_how_many_it_takes() -> None:
    rows = rows_of()
    few = family(rows[rows["seed"] < 5], SEEDED, "test_loss", EVERY_DRAW)
    assert few["seeds_needed"].tolist() == [6, 6]
    assert family(rows, SEEDED, "test_loss", EVERY_DRAW)["seeds_needed"].isna().all()

"""Question 1 on runs whose answer is known."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.draws import OF_THE_FIT, without_other_draws
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.equivalence import equivalence
from caviar.analysis.statistics.multiplicity import simultaneous_bands
from caviar.analysis.tables import regularization
from caviar.analysis.tables.families import MARGINS
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, trial

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64, 128, 256]}


def valley(config: TrialConfig) -> float:
    """Lowest at m = 16, in sixteenths, so that every difference is exact."""
    return (math.log2(size(config)) - 4) ** 2 / 16


def offset(config: TrialConfig, seed: int) -> float:
    """What seeds and draws differ by: a million times what sizes do."""
    return 2.0**16 * (seed + 1) + 2.0**12 * config.draw


FINAL = set(regularization.QUANTITIES) - {"matched_test_loss"}
"""What is read at the last step."""

KNOWN = World(
    train=lambda config, seed: offset(config, seed) + 1 / size(config),
    validation=lambda config, seed: float(config.draw),
    test=lambda config, seed: offset(config, seed) + valley(config),
    accuracy=lambda config, seed: 0.5 + size(config) / 1024,
    penalty=lambda config, seed: (1 + seed / 8) * 2 / size(config),
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Seven sizes, three draws, eight seeds."""
    trials = crossed(SIZES, rates=(0.1, 0.2, 0.4), seeds=range(8))
    return run_of(tmp_path_factory.mktemp("known"), trials, KNOWN, scientific=SIZES)


def test_the_noise_penalty_is_train_mode_less_population_loss(known: Run) -> None:
    table = regularization.noise_penalty(compared(known))
    assert table["reading"].unique().tolist() == ["every draw", "best draw"]
    for reading, rows in table.groupby("reading"):
        seeds = np.arange(8) if reading == "every draw" else np.arange(2, 8)
        expected = [np.mean(1 + seeds / 8) * 2 / m for m in SIZES["norm_batch_size"]]
        assert rows["level"].tolist() == SIZES["norm_batch_size"]
        assert rows["mean"].tolist() == expected
        assert (rows["low"] < rows["mean"]).all() and (rows["mean"] < rows["high"]).all()
        assert set(rows["units"]) == {len(seeds)} and set(rows["left_out"]) == {0}


def test_the_effect_of_size_is_exact_in_spite_of_huge_offsets(known: Run) -> None:
    table = regularization.effect_of_size(compared(known))
    assert set(table["quantity"]) == set(regularization.QUANTITIES)
    table = table[~table["quantity"].isin(["train_mode_loss", "matched_test_loss"])]
    assert len(table) == 2 * 4 * 6
    effects: dict[str, Any] = {
        "train_loss": lambda m: 1 / m - 1 / 256,
        "generalisation_gap": lambda m: (math.log2(m) - 4) ** 2 / 16 - 1 - (1 / m - 1 / 256),
        "test_loss": lambda m: (math.log2(m) - 4) ** 2 / 16 - 1,
        "test_accuracy": lambda m: (m - 256) / 1024,
    }
    for row in table.to_dict("records"):
        truth = effects[row["quantity"]](row["level"])
        assert (row["mean"], row["low"], row["high"]) == (truth, truth, truth)
        assert row["units"] == (8 if row["reading"] == "every draw" else 6) and not row["left_out"]


def test_losses_are_means_over_seeds(known: Run) -> None:
    table = regularization.losses(compared(known)).set_index(["reading", "quantity", "level"])
    seeds = 2.0**16 * np.mean(np.arange(1, 9))
    assert table.loc[("every draw", "train_loss", 4), "mean"] == seeds + 2.0**12 + 1 / 4
    others = 2.0**16 * np.mean(np.arange(3, 9))  # the first two seeds choose
    assert table.loc[("best draw", "train_loss", 4), "mean"] == others + 1 / 4
    assert table.loc[("best draw", "test_accuracy", 256), "mean"] == 0.75
    assert len(table) == 2 * 6 * 7


def test_the_best_size_is_found_in_spite_of_huge_offsets(known: Run) -> None:
    table = regularization.best_size(compared(known))
    assert table["reading"].tolist() == ["every draw", "best draw"]
    assert (table[["level", "low", "high"]] == 16).all(axis=None)
    assert not table[["low_edge", "high_edge"]].any(axis=None)


def test_the_best_size_at_the_edge_is_flagged(tmp_path: Path) -> None:
    world = World(test=lambda config, seed: seed + size(config) / 1024)
    run = run_of(tmp_path, crossed(SIZES), world, scientific=SIZES)
    row = regularization.best_size(compared(run)).iloc[0]
    assert row["level"] == 4 and row["low_edge"] and not row["high_edge"]


def test_a_random_search_has_no_best_size(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=m, draw=i, learning_rate=0.1 + i) for i, m in enumerate([8, 64])
    ]
    run = run_of(tmp_path, trials)
    assert regularization.best_size(compared(run)).empty


def test_facets_have_their_own_answers(tmp_path: Path) -> None:
    levels = {"activation": ["relu", "tanh"], "norm_batch_size": [8, 64, 256]}

    def test_loss(config: TrialConfig, seed: int) -> float:
        return 1024 * seed + (1 if config.activation == "relu" else -1) * size(config) / 256

    run = run_of(tmp_path, crossed(levels), World(test=test_loss), scientific=levels)
    best = regularization.best_size(compared(run)).set_index("facet")["level"]
    assert best.to_dict() == {"activation = relu": 8, "activation = tanh": 256}
    effects = regularization.effect_of_size(compared(run))
    effects = effects[effects["quantity"] == "test_loss"].set_index(["facet", "level"])["mean"]
    assert effects.loc[("activation = relu", 8.0)] == (8 - 256) / 256
    assert effects.loc[("activation = tanh", 8.0)] == (256 - 8) / 256


def test_networks_without_batch_norm_have_no_penalty_but_an_effect_of_the_batch(
    tmp_path: Path,
) -> None:
    levels = {"norm": ["batch", "layer"], "batch_size": [32, 256]}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    comparison = compared(run)
    assert set(regularization.noise_penalty(comparison)["facet"]) == {"norm = batch"}
    assert set(regularization.effect_of_size(comparison)["facet"]) == {
        "norm = batch",
        "norm = layer",
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_diverged_seeds_are_counted(tmp_path: Path, bad: float) -> None:
    def lost(config: TrialConfig, seed: int) -> float:
        return bad if (size(config), seed) == (8, 1) else 0.5

    levels = {"norm_batch_size": [8, 64, 256]}
    world = World(train=lost, validation=lost, test=lost)
    run = run_of(tmp_path, crossed(levels), world, scientific=levels)
    effects = regularization.effect_of_size(compared(run)).set_index(["quantity", "level"])
    for quantity in FINAL:
        assert effects.loc[(quantity, 8.0), ["units", "left_out"]].tolist() == [5, 1]
        assert effects.loc[(quantity, 64.0), ["units", "left_out"]].tolist() == [6, 0]
    for compute in (regularization.losses, regularization.noise_penalty):
        table = compute(compared(run))
        if "quantity" in table:
            table = table[table["quantity"].isin(FINAL)]
        assert set(table.loc[table["level"] == 8, "left_out"]) == {1}
        assert set(table.loc[table["level"] == 64, "left_out"]) == {0}


def moves(mean: float, low: float, high: float, *, equivalent: bool = False) -> str:
    row = {"quantity": "test_loss", "mean": mean, "equivalent": equivalent}
    effects = pd.DataFrame([{**row, "band_low": low, "band_high": high}])
    return str(regularization.moved(effects).iloc[0])


@pytest.mark.parametrize(
    ("effect", "says"),
    [
        ((0.02, 0.01, 0.03), "rises"),
        ((-0.02, -0.03, -0.01), "falls"),
        ((0.02, 0.0, 0.04), "undecided"),
        ((0.02, -0.01, 0.05), "undecided"),
        ((0.004, 0.003, 0.0049), "undecided"),
        ((0.005, 0.004, 0.006), "undecided"),
        ((0.02, math.nan, math.nan), ""),
    ],
)
def test_a_quantity_moves_beyond_its_margin_and_with_a_band_that_excludes_0(
    effect: tuple[float, float, float], says: str
) -> None:
    assert moves(*effect) == says


def test_a_quantity_stays_where_it_is_equivalent() -> None:
    assert moves(0.001, 0.0005, 0.0015, equivalent=True) == "stays"


def test_nothing_moves_and_is_equivalent_to_0_at_once() -> None:
    """For differences about as large as the margin, normal and skewed, of 5 to 12 seeds."""
    generator = np.random.default_rng(7)
    rows = []
    for seeds, center in product((5, 8, 12), np.linspace(-0.008, 0.008, 9)):
        skewed = generator.exponential(size=(2, seeds, 1)) * [[[1.0]], [[-1.0]]]
        noise = np.concatenate([generator.normal(size=(2, seeds, 1)), skewed])
        for column in center + 0.001 * noise:
            bands = simultaneous_bands(column, np.random.default_rng(0))
            same = equivalence(column[:, 0], MARGINS["test_loss"], np.random.default_rng(0))
            rows.append((bands.mean[0], bands.low[0], bands.high[0], same.equivalent))
    columns = ["mean", "band_low", "band_high", "equivalent"]
    effects = pd.DataFrame(rows, columns=columns).assign(quantity="test_loss")
    moved = regularization.moved(effects)
    assert set(moved) == {"rises", "falls", "stays", "undecided"}
    assert not effects.loc[moved.isin(["rises", "falls"]), "equivalent"].any()


def test_what_moves_in_a_run(known: Run) -> None:
    """Train loss rises by 1/m - 1/256: 0.0039 at 128 is no more than the margin."""
    table = regularization.effect_of_size(compared(known))
    moved = table.set_index(["reading", "quantity", "level"])["moved"].sort_index()
    for reading in ("every draw", "best draw"):
        assert moved[reading, "train_loss"].to_dict() == {
            **dict.fromkeys((4.0, 8.0, 16.0, 32.0, 64.0), "rises"),
            128.0: "stays",
        }
        assert (moved[reading, "test_loss"] == "falls").all()


def at_other_rates(config: TrialConfig, seed: int) -> float:
    """Validation that chooses the second draw at 8 and the first at the others."""
    return float(config.draw != (size(config) == 8))


def test_fits_of_different_learning_rates_are_not_compared(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64, 256]}
    world = World(validation=at_other_rates)
    run = run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), world, scientific=levels)
    comparison = compared(run)
    for table in (regularization.effect_of_size(comparison), regularization.losses(comparison)):
        best = table[table["reading"] == "best draw"]
        of_8 = set(best.loc[best["level"] == 8, "quantity"])
        assert of_8 == {"test_loss", "test_accuracy"}
        assert {"train_loss", "generalisation_gap"} <= set(
            best.loc[best["level"] == 64, "quantity"]
        )
        every = table[(table["reading"] == "every draw") & (table["level"] == 8)]
        assert set(every["quantity"]) >= FINAL


def test_one_seed_with_another_learning_rate_takes_its_size_out() -> None:
    """Otherwise which seeds count would depend on what they chose."""
    rows = pd.DataFrame(
        {
            "facet": "",
            "level": [8.0, 8.0, 64.0, 64.0],
            "seed": [0, 1, 0, 1],
            "draw": [0, 1, 0, 0],
            **{name: [1.0, 2.0, 3.0, 4.0] for name in OF_THE_FIT},
        }
    )
    kept = without_other_draws(rows, 64.0)
    assert kept["train_loss"].isna().tolist() == [True, True, False, False]


def test_a_diverged_draw_does_not_make_a_size_the_best(tmp_path: Path) -> None:
    def test_loss(config: TrialConfig, seed: int) -> float:
        if (size(config), config.draw) == (8, 1):
            return math.nan
        return seed + 10 * config.draw + (0.5 if size(config) == 8 else 0.0)

    levels = {"norm_batch_size": [8, 64, 256]}
    world = World(test=test_loss)
    run = run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), world, scientific=levels)
    table = regularization.best_size(compared(run)).set_index("reading")
    assert table.loc["every draw", "level"] != 8


def test_a_missing_draw_does_not_make_a_size_the_best(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64, 256]}
    world = World(
        test=lambda config, seed: seed + 10 * config.draw + (0.5 if size(config) == 8 else 0.0)
    )
    run = run_of(
        tmp_path,
        crossed(levels, rates=(0.1, 0.2)),
        world,
        scientific=levels,
        status=lambda config: "failed" if (size(config), config.draw) == (8, 1) else "completed",
    )
    table = regularization.best_size(compared(run)).set_index("reading")
    assert table.loc["every draw", "level"] != 8


def test_sizes_without_a_common_draw_have_no_best(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 256]}
    world = World(test=lambda config, seed: seed + 10.0 * config.draw)
    run = run_of(
        tmp_path,
        crossed(levels, rates=(0.1, 0.2)),
        world,
        scientific=levels,
        status=lambda config: (
            "completed" if (size(config) == 8) == (config.draw == 0) else "failed"
        ),
    )
    table = regularization.best_size(compared(run))
    assert "every draw" not in set(table["reading"])

"""Question 1 on runs whose answer is known."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.tables import regularization
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, trial

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64, 128, 256]}


def valley(config: TrialConfig) -> float:
    """Lowest at m = 16, in sixteenths, so that every difference is exact."""
    return (math.log2(size(config)) - 4) ** 2 / 16


def offset(config: TrialConfig, seed: int) -> float:
    """What seeds and draws differ by: a million times what sizes do."""
    return 2.0**16 * (seed + 1) + 2.0**12 * config.draw


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
    for _, rows in table.groupby("reading"):
        expected = [np.mean(1 + np.arange(8) / 8) * 2 / m for m in SIZES["norm_batch_size"]]
        assert rows["level"].tolist() == SIZES["norm_batch_size"]
        assert rows["mean"].tolist() == expected
        assert (rows["low"] < rows["mean"]).all() and (rows["mean"] < rows["high"]).all()
        assert set(rows["units"]) == {8} and set(rows["left_out"]) == {0}


def test_the_effect_of_size_is_exact_in_spite_of_huge_offsets(known: Run) -> None:
    table = regularization.effect_of_size(compared(known))
    assert len(table) == 2 * 3 * 6
    effects: dict[str, Any] = {
        "train_loss": lambda m: 1 / m - 1 / 256,
        "test_loss": lambda m: (math.log2(m) - 4) ** 2 / 16 - 1,
        "test_accuracy": lambda m: (m - 256) / 1024,
    }
    for row in table.to_dict("records"):
        truth = effects[row["quantity"]](row["level"])
        assert (row["mean"], row["low"], row["high"]) == (truth, truth, truth)
        assert (row["units"], row["left_out"]) == (8, 0)


def test_losses_are_means_over_seeds(known: Run) -> None:
    table = regularization.losses(compared(known)).set_index(["reading", "quantity", "level"])
    seeds = 2.0**16 * np.mean(np.arange(1, 9))
    assert table.loc[("every draw", "train_loss", 4), "mean"] == seeds + 2.0**12 + 1 / 4
    assert table.loc[("best draw", "train_loss", 4), "mean"] == seeds + 1 / 4
    assert table.loc[("best draw", "test_accuracy", 256), "mean"] == 0.75
    assert len(table) == 2 * 3 * 7


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
    for quantity in regularization.QUANTITIES:
        assert effects.loc[(quantity, 8.0), ["units", "left_out"]].tolist() == [5, 1]
        assert effects.loc[(quantity, 64.0), ["units", "left_out"]].tolist() == [6, 0]
    for compute in (regularization.losses, regularization.noise_penalty):
        table = compute(compared(run))
        assert set(table.loc[table["level"] == 8, "left_out"]) == {1}
        assert set(table.loc[table["level"] == 64, "left_out"]) == {0}


def effects_of(**quantities: tuple[float, float]) -> pd.DataFrame:
    """The effects of one level: the band of each quantity."""
    rows = [
        {
            "reading": "every draw",
            "facet": "",
            "level": 8.0,
            "quantity": name,
            "band_low": low,
            "band_high": high,
        }
        for name, (low, high) in {"test_accuracy": (0.0, 0.0), **quantities}.items()
    ]
    return pd.DataFrame(rows)


UP, DOWN, UNSURE = (0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1)


@pytest.mark.parametrize(("train", "test"), list(product([UP, DOWN, UNSURE], repeat=2)))
def test_it_regularises_only_if_train_loss_rises_and_test_loss_falls(
    train: tuple[float, float], test: tuple[float, float]
) -> None:
    verdict = regularization.verdicts(effects_of(train_loss=train, test_loss=test)).iloc[0]
    assert verdict["train_rises"] == (train == UP)
    assert verdict["test_falls"] == (test == DOWN)
    assert verdict["regularises"] == ((train, test) == (UP, DOWN))


def test_touching_zero_is_not_sure() -> None:
    verdict = regularization.verdicts(effects_of(train_loss=(0.0, 0.2), test_loss=(-0.2, 0.0)))
    assert not verdict[["train_rises", "test_falls", "regularises"]].any(axis=None)


def test_without_intervals_there_is_no_verdict() -> None:
    unknown = (math.nan, math.nan)
    effects = effects_of(train_loss=unknown, test_loss=unknown, test_accuracy=unknown)
    verdict = regularization.verdicts(effects)
    assert not verdict["known"].any() and not verdict["regularises"].any()


def test_verdicts_of_a_run(known: Run) -> None:
    """Train loss rises everywhere below 256; test loss falls between 4 and 256: everywhere too,
    as the valley is lower than at 256 for all smaller sizes."""
    verdicts = regularization.verdicts(regularization.effect_of_size(compared(known)))
    assert len(verdicts) == 2 * 6
    assert verdicts["regularises"].all()


def test_one_quantity_without_intervals_gives_no_verdict() -> None:
    unknown = (math.nan, math.nan)
    verdict = regularization.verdicts(effects_of(train_loss=UP, test_loss=unknown))
    assert not verdict["regularises"].any()


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

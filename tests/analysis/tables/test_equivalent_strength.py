"""Equivalent strengths on curves whose crossings are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.analysis.run.comparison import NoComparison, comparison_of
from caviar.analysis.run.draws import EVERY_DRAW, SHARED_DRAW
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.equivalent_strength import COLUMNS, equivalent_strength, match
from caviar.runner.config import TrialConfig
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import World, compared, crossed, run_of, size

LEVELS = {"norm_batch_size": [8, 32]}
RATES = (0.0, 0.1, 0.2, 0.4)
NAN = math.nan
Loss = Callable[[TrialConfig, int], float]


@pytest.mark.parametrize(
    ("train", "target", "rate"),
    [
        ([0, 1, 2, 3], 1.5, 0.15),
        ([0, 1, 2, 3], 2.5, 0.3),
        ([0, 1, 2, 3], 0, 0.0),
        ([0, 1, 2, 3], 3, 0.4),
        ([0, 1, 2, 3], 1, 0.1),
        ([0, 1, 2, 3], 3.1, NAN),
        ([0, 1, 2, 3], -0.1, NAN),
        ([1, 0, 1, 3], 0.5, 0.15),  # a little dropout lowers it: 0.05 has the same loss
        ([1, 0, 1, 3], 1, 0.2),
        ([3, 2, 1, 0], 0.5, 0.3),
        ([0, 1, 1, 3], 1, 0.2),  # all rates between have it
        ([1, 1, 1, 1], 1, 0.4),
        ([0, 1, NAN, 3], 0.5, 0.05),
        ([0, 1, NAN, 3], 2, NAN),
        ([0, 1, 2, 3], NAN, NAN),
    ],
)
def test_the_largest_rate_at_which_the_curve_equals_the_target(
    train: list[float], target: float, rate: float
) -> None:
    position = match(np.array(train), target, max)
    assert np.interp(position, range(4), RATES) == pytest.approx(rate, nan_ok=True)


def test_the_smallest_strength_at_which_the_curve_equals_the_target() -> None:
    curve = np.array([1.0, 0.0, 0.0, 2.0])
    assert match(curve, 0.0, min) == 1.0
    assert match(curve, 0.0, max) == 2.0
    assert match(curve, 0.5, min) == 0.5
    assert match(curve, 0.5, max) == 2.25


NORMAL = st.floats(-3, 3, allow_subnormal=False)
"""Interpolating between subnormal numbers rounds to either side of a target."""


@given(
    train=st.lists(NORMAL, min_size=2, max_size=6),
    target=NORMAL,
)
def test_no_larger_rate_reaches_the_target(train: list[float], target: float) -> None:
    """Against the same curve on a fine grid: beyond the rate found it stays on one side."""
    rates = np.arange(len(train), dtype=float)
    rate = match(np.array(train), target, max)
    fine = np.linspace(0, len(train) - 1, 64 * (len(train) - 1) + 1)
    away = np.interp(fine, rates, train) - target
    if math.isnan(rate):
        assert (away > 0).all() or (away < 0).all()
        return
    assert np.interp(rate, rates, train) == pytest.approx(target, abs=1e-9)
    beyond = away[fine > rate + 1e-9]
    assert (beyond > 0).all() or (beyond < 0).all()


def studied(
    root: Path,
    train: Loss,
    test: Loss,
    rates: tuple[float, ...] = RATES,
    *,
    status: Callable[[TrialConfig], Status | None] = lambda config: "completed",
    kurtosis: Callable[[TrialConfig, int, str], float] = lambda config, seed, layer: 1.0,
    draws: tuple[float, ...] = (0.1,),
) -> Run:
    whole = {"norm_batch_size": [1024]}
    more: dict[str, Any] = {"rates": draws}
    trials = crossed(LEVELS, arm="batch", **more)
    for rate in rates:
        name = f"dropout-{rate:g}" if rate else "population"
        trials += crossed(whole, arm=name, dropout=rate, **more)
    # Not a rate on population statistics: another gamma decay, another size.
    trials += crossed(whole, arm="gamma-decay", dropout=0.3, gamma_decay=0.01, **more)
    trials += crossed({"norm_batch_size": [64]}, arm="dropout-and-noise", dropout=0.3, **more)
    world = World(train=train, test=test, kurtosis=kurtosis)
    return run_of(root, trials, world, scientific=LEVELS, status=status)


def equivalent(run: Run, regulariser: str = "dropout", reading: str = EVERY_DRAW) -> pd.DataFrame:
    table = equivalent_strength(compared(run))
    here = (table["regulariser"] == regulariser) & (table["reading"] == reading)
    return table[here].set_index(["quantity", "level"])


def quadratic(config: TrialConfig, seed: int) -> float:
    """Dropout at rate p costs p^2 of train loss; batch norm (4/m)^2, and a seed its own."""
    strength = 4 / size(config) if config.arm == "batch" else config.dropout
    return 100 * seed + strength**2


def linear(config: TrialConfig, seed: int) -> float:
    """Test loss falls by p; by batch norm at 8 by a seed's own share more."""
    strength = 0.35 + seed / 100 if config.arm == "batch" else config.dropout
    return 100 * seed - strength


def chord(target: float) -> float:
    """Where the polygon through p^2 at the rates has the value `target`."""
    return float(np.interp(target, np.square(RATES), RATES))


def test_the_rate_of_a_known_curve(tmp_path: Path) -> None:
    """Batch norm at 32 is as strong as 0.125; at 8 it is beyond all rates. The first seed of six
    chooses, and is not read."""
    dropout = equivalent(studied(tmp_path, quadratic, linear))
    rate = chord(0.125**2)
    row = dropout.loc[("same_train_loss", 32)]
    assert row["mean"] == pytest.approx(rate) and row["low"] == pytest.approx(rate)
    assert (row["units"], row["outside"]) == (5, 0)
    row = dropout.loc[("same_train_loss", 8)]
    assert math.isnan(row["mean"]) and (row["units"], row["outside"]) == (0, 5)
    differences = rate - (0.35 + np.arange(1, 6) / 100)
    expected = mean_interval(differences, np.random.default_rng(0))
    shown = dropout.loc[("difference", 32), ["mean", "low", "high", "units"]]
    assert tuple(shown) == pytest.approx(expected)


def test_seeds_that_no_rate_matches_are_counted_and_left_out(tmp_path: Path) -> None:
    def train(config: TrialConfig, seed: int) -> float:
        beyond = 7.0 if config.arm == "batch" and seed in (0, 2, 4) else 0.0
        return quadratic(config, seed) + beyond

    row = equivalent(studied(tmp_path, train, linear)).loc[("same_train_loss", 32)]
    assert (row["units"], row["outside"]) == (3, 2)
    assert row["mean"] == pytest.approx(chord(0.125**2))


def test_the_predicted_has_the_noise_of_batch_norm(tmp_path: Path) -> None:
    """nu = (1 + (kurtosis + 2) / 4) (N - m) / (N - 1) / m, and p / (1 - p) = nu, by seed."""
    run = studied(
        tmp_path,
        quadratic,
        linear,
        kurtosis=lambda config, seed, layer: seed / 2 if config.arm == "batch" else 50.0,
    )
    dropout = equivalent(run)
    for m in (8, 32):
        noise = (1 + (np.arange(1, 6) / 2 + 2) / 4) * (1024 - m) / 1023 / m
        rates = [nu / (1 + nu) for nu in noise]
        assert dropout.loc[("predicted", m), "mean"] == pytest.approx(np.mean(rates))


def test_all_arms_are_read_at_the_draw_that_most_choose(tmp_path: Path) -> None:
    """The second draw costs 50 nats more, and dropout 0.2 did not survive it: one seed chooses."""

    def train(config: TrialConfig, seed: int) -> float:
        lost = (config.arm, config.draw) == ("dropout-0.2", 1)
        return math.nan if lost else quadratic(config, seed) + 50.0 * config.draw

    def test(config: TrialConfig, seed: int) -> float:
        return linear(config, seed) + 50.0 * config.draw

    dropout = equivalent(studied(tmp_path, train, test, draws=(0.1, 0.2)))
    assert dropout.loc[("same_train_loss", 32), "mean"] == pytest.approx(chord(0.125**2))
    assert set(dropout.loc["same_train_loss", "outside"]) == {0, 5}


def unfinished(*arms: str) -> Callable[[TrialConfig], Status | None]:
    return lambda config: None if config.arm in arms else "completed"


def test_arms_that_have_not_finished_are_no_part_of_the_curve(tmp_path: Path) -> None:
    run = studied(tmp_path, quadratic, linear, status=unfinished("dropout-0.1", "population"))
    row = equivalent(run).loc[("same_train_loss", 32)]
    assert (row["units"], row["outside"]) == (0, 5)  # 0.125 is below both rates left
    some = studied(tmp_path / "some", quadratic, linear, status=unfinished("dropout-0.2"))
    expected = np.interp(0.125**2, [0, 0.01, 0.16], [0, 0.1, 0.4])
    assert equivalent(some).loc[("same_train_loss", 32), "mean"] == pytest.approx(expected)


def test_there_is_nothing_without_two_rates(tmp_path: Path) -> None:
    arms = ("population", "dropout-0.1", "dropout-0.2")
    assert equivalent(studied(tmp_path, quadratic, linear, status=unfinished(*arms))).empty


def test_there_is_nothing_to_compare_without_batch_norm(tmp_path: Path) -> None:
    to_come = studied(tmp_path, quadratic, linear, status=unfinished("batch"))
    comparison = comparison_of(to_come)
    assert isinstance(comparison, NoComparison)
    assert comparison.why == "No trial of the arm batch has finished yet: come back later."


def test_a_run_without_arms_has_no_table(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(LEVELS), scientific=LEVELS)
    assert equivalent_strength(compared(run)).columns.tolist() == COLUMNS
    bare = Run(**{**vars(run), "trials": run.trials.drop(columns="arm")})
    assert equivalent_strength(compared(bare)).empty


def decayed(root: Path, strengths: tuple[float, ...], draws: tuple[float, ...] = (0.1,)) -> Run:
    """Weight decay w changes train loss by w and test loss by (w - 0.3)^2, whose least is at 0.3;
    batch norm at m has (8/m)^2 more than it at strength 0.1. Draw 1 costs 1 nat more."""
    whole = {"norm_batch_size": [1024]}
    more: dict[str, Any] = {"rates": draws, "seeds": range(8)}
    trials = crossed(LEVELS, arm="batch", **more)
    for w in strengths:
        trials += crossed(whole, arm=f"decay-{w:g}" if w else "population", weight_decay=w, **more)
    trials += crossed(whole, arm="both", weight_decay=0.2, dropout=0.1, **more)

    def train(config: TrialConfig, seed: int) -> float:
        strength = 0.1 if config.arm == "batch" else config.weight_decay
        return 1 + seed + config.draw + strength

    def test(config: TrialConfig, seed: int) -> float:
        of_decay = 0.04 if config.arm == "batch" else (config.weight_decay - 0.3) ** 2
        noise = (8 / size(config)) ** 2 if config.arm == "batch" else 0.0
        return 1 + seed + config.draw + of_decay + noise

    world = World(train=train, validation=test, test=test)
    return run_of(root, trials, world, scientific=LEVELS)


def test_weight_decay_has_a_path_of_its_own(tmp_path: Path) -> None:
    """An arm that drops units too is no point of it, and there is none of dropout."""
    run = decayed(tmp_path, (0.0, 0.2, 0.4))
    table = equivalent_strength(compared(run))
    assert set(table["regulariser"]) == {"weight_decay"} and set(table["reading"]) == {EVERY_DRAW}
    assert "predicted" not in set(table["quantity"])
    decay = equivalent(run, "weight_decay")
    row = decay.loc[("same_train_loss", 32)]
    assert (row["mean"], row["units"], row["outside"]) == (pytest.approx(0.1), 6, 0)
    # The polygon through 0.09, 0.01, 0.01 at 0.1 is 0.05; batch norm has 0.04 + 1/16.
    assert decay.loc[("difference", 32), "mean"] == pytest.approx(0.04 + 1 / 16 - 0.05)
    assert decay.loc[("same_test_loss", 8), "outside"] == 6  # it has 1.04, none more than 0.09
    assert math.isnan(decay.loc[("same_test_loss", 8), "mean"])


def test_the_best_strength_is_chosen_by_some_seeds_and_read_at_others(tmp_path: Path) -> None:
    """Eight seeds: two choose, six are read."""
    inside = equivalent(decayed(tmp_path / "a", (0.0, 0.1, 0.3, 0.5)), "weight_decay")
    row = inside.loc[("best_difference", 32)]
    assert (row["best"], row["largest"], row["units"]) == (0.3, False, 6)
    assert row["mean"] == pytest.approx(0.04 + 1 / 16)
    edge = equivalent(decayed(tmp_path / "b", (0.0, 0.1, 0.3)), "weight_decay")
    row = edge.loc[("best_difference", 32)]
    assert (row["best"], row["largest"]) == (0.3, True)
    assert not edge.loc["same_train_loss", "largest"].any()


def test_the_size_that_is_told_is_chosen_by_seeds_that_are_not_read(tmp_path: Path) -> None:
    """The two seeds that choose have their lowest test loss at 8, the six others at 32."""

    def test(config: TrialConfig, seed: int) -> float:
        if config.arm != "batch":
            return 1.0
        return 0.5 if (size(config) == 8) == (seed < 2) else 0.7

    trials = crossed(LEVELS, arm="batch", seeds=range(8))
    for w in (0.0, 0.2):
        arm = f"decay-{w:g}" if w else "population"
        trials += crossed({"norm_batch_size": [1024]}, arm=arm, weight_decay=w, seeds=range(8))
    world = World(train=lambda config, seed: 1.0, test=test)
    run = run_of(tmp_path, trials, world, scientific=LEVELS)
    table = equivalent_strength(compared(run))
    assert set(table.loc[table["lowest"], "level"]) == {8.0}
    told = table[table["lowest"] & (table["quantity"] == "best_difference")].iloc[0]
    assert (told["mean"], told["units"]) == (pytest.approx(0.7 - 1.0), 6)
    assert not table.loc[table["level"] == 32, "lowest"].any()


def test_both_readings_leave_out_the_seeds_that_choose(tmp_path: Path) -> None:
    run = decayed(tmp_path, (0.0, 0.2, 0.4), draws=(0.1, 0.2))
    shared = equivalent(run, "weight_decay", SHARED_DRAW)
    row = shared.loc[("same_train_loss", 32)]
    assert (row["mean"], row["units"]) == (pytest.approx(0.1), 6)
    assert equivalent(run, "weight_decay").loc[("same_train_loss", 32), "units"] == 6

"""Control arms held against batch norm and against population statistics."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import Run, of_trials
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.control_arms import EARLIER, arm_effects, mechanism_shares
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, trial

LEVELS = {"norm_batch_size": [8, 64]}
OWN: dict[str, dict[str, Any]] = {
    "batch": {},
    "leave-one-out": {"norm": "leave-one-out"},
    "stop-gradient": {"norm": "stop-gradient"},
    "partitions-8": {"partitions": 8},
    "stratified": {"ghosts": "stratified"},
    "noise": {"norm": "shift-and-scale-noise"},
}
WHOLE = {"norm_batch_size": [1024]}
EFFECT = {arm: 2.0**i for i, arm in enumerate([*OWN, "population", "layer"])}


def loss(config: TrialConfig, seed: int) -> float:
    """An arm's own effect, more for a small size and by seed; seeds and draws far apart."""
    apart = 1024.0 * seed + 512.0 * config.draw
    return apart + EFFECT[config.arm] * (1 + seed / 8 + 8 / size(config))


def effect(arm: str, level: float, seed: int) -> float:
    size = {"population": 1024, "layer": 256}.get(arm, level)
    return EFFECT[arm] * (1 + seed / 8 + 8 / size)


def every_arm(rates: tuple[float, ...] = (0.1, 0.2)) -> list[TrialConfig]:
    arms = [crossed(LEVELS, arm=arm, rates=rates, **fields) for arm, fields in OWN.items()]
    arms.append(crossed(WHOLE, arm="population", rates=rates))
    arms.append(crossed({"norm_batch_size": [256]}, arm="layer", norm="layer", rates=rates))
    return [config for arm in arms for config in arm]


def effects_of(run: Run) -> pd.DataFrame:
    return arm_effects(compared(run))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    world = World(train=loss, test=lambda config, seed: -loss(config, seed))
    root = tmp_path_factory.mktemp("known")
    return run_of(root, every_arm(), world, scientific=LEVELS)


@pytest.fixture(scope="module")
def effects(known: Run) -> pd.DataFrame:
    return effects_of(known)


def test_a_study_without_arms_has_no_effects(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(LEVELS), scientific=LEVELS)
    old = Run(**{**vars(run), "trials": run.trials.drop(columns="arm")})
    assert effects_of(run).empty and effects_of(old).empty


def test_every_arm_is_held_against_its_anchors(effects: pd.DataFrame) -> None:
    """Of several sizes: batch norm at the same size, and population. Of one: population alone."""
    pairs = set(effects[["arm", "against"]].drop_duplicates().itertuples(index=False, name=None))
    controls = [arm for arm in OWN if arm != "batch"]
    expected = {(arm, "batch") for arm in controls} | {
        (arm, "population") for arm in (*OWN, "layer")
    }
    assert pairs == expected
    assert set(effects.loc[effects["arm"] == "layer", "level"]) == {256}
    assert set(effects.loc[effects["arm"] == "noise", "level"]) == {8, 64}
    assert effects["reading"].unique().tolist() == ["every draw", "best draw"]
    keys = ["reading", "arm", "against", "level", "quantity"]
    assert not effects.duplicated(keys).any()


def test_effects_by_hand(effects: pd.DataFrame) -> None:
    """Paired by seed and draw: what seeds and draws have in common is gone to the last digit."""
    table = effects.query("quantity in ['train_loss', 'test_loss']")
    for row in table.to_dict("records"):
        sign = 1 if row["quantity"] == "train_loss" else -1
        each = [
            sign * (effect(row["arm"], row["level"], s) - effect(row["against"], row["level"], s))
            for s in range(0 if row["reading"] == "every draw" else 1, 6)
        ]
        expected = mean_interval(np.array(each), np.random.default_rng(0))
        estimate = (row["mean"], row["low"], row["high"], row["units"])
        assert estimate == pytest.approx(expected, rel=1e-9)
        assert row["left_out"] == 0


def test_the_noise_penalty_is_compared_where_both_have_one(effects: pd.DataFrame) -> None:
    rows = effects.query("quantity == 'noise_penalty' and against == 'population'")
    every = rows[rows["reading"] == "every draw"].set_index(["arm", "level"])
    assert every.loc[("batch", 8), "mean"] == pytest.approx(1 / 8 - 1 / 1024)
    layer = every.loc[("layer", 256)]
    assert math.isnan(layer["mean"]) and (layer["units"], layer["left_out"]) == (0, 12)


def test_the_best_draw_of_each_side_is_its_own(tmp_path: Path) -> None:
    """Batch norm is best under the second draw, population under the first."""

    def validation(config: TrialConfig, seed: int) -> float:
        return float(config.draw != (config.arm == "batch"))

    trials = [*crossed(LEVELS, arm="batch", rates=(0.1, 0.2))]
    trials += crossed(WHOLE, arm="population", rates=(0.1, 0.2))
    world = World(train=loss, test=loss, validation=validation)
    rows = effects_of(run_of(tmp_path, trials, world, scientific=LEVELS)).query("level == 8")
    means = rows.set_index(["reading", "quantity"])["mean"]
    plain = [effect("batch", 8, s) - effect("population", 8, s) for s in range(6)]
    assert means["every draw", "train_loss"] == pytest.approx(np.mean(plain))
    assert means["best draw", "test_loss"] == pytest.approx(np.mean(plain[1:]) + 512)
    assert ("best draw", "train_loss") not in means, "fits of different learning rates"


def test_an_arm_that_is_not_there_leaves_the_others(known: Run) -> None:
    """Without population: against batch norm alone. Without rows of an arm: as if it were not."""
    trials = known.trials
    without = of_trials(known, trials.loc[trials["arm"] != "population", "trial_id"])
    table = effects_of(without)
    assert set(table["against"]) == {"batch"} and "layer" not in set(table["arm"])
    unfinished = trials.loc[trials["arm"] != "noise", "trial_id"]
    rows = known.evaluations[known.evaluations["trial_id"].isin(unfinished)]
    table = effects_of(Run(**{**vars(known), "evaluations": rows}))
    assert "noise" not in set(table["arm"]) and "stratified" in set(table["arm"])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_seed_that_diverged_on_either_side_is_left_out(tmp_path: Path, bad: float) -> None:
    def lost(config: TrialConfig, seed: int) -> float:
        gone = {("stratified", 8, 2), ("batch", 64, 3), ("population", 1024, 5)}
        return bad if (config.arm, size(config), seed) in gone else loss(config, seed)

    run = run_of(tmp_path, every_arm((0.1,)), World(train=lost, test=lost), scientific=LEVELS)
    table = effects_of(run).set_index(["quantity", "arm", "against", "level"])
    for quantity in ("train_loss", "test_loss", "test_accuracy"):
        counts = {
            ("stratified", "batch", 8): [5, 1],
            ("stratified", "batch", 64): [5, 1],
            ("noise", "batch", 8): [6, 0],
            ("noise", "population", 8): [5, 1],
            ("stratified", "population", 8): [4, 2],
        }
        for place, expected in counts.items():
            assert table.loc[(quantity, *place), ["units", "left_out"]].tolist() == expected


def test_shares_are_batch_norm_less_the_arm_without(effects: pd.DataFrame) -> None:
    shares = mechanism_shares(effects, EARLIER).set_index(
        ["reading", "quantity", "mechanism", "level"]
    )
    truth = {
        "whole": ("batch", "population"),
        "injected noise": ("noise", "population"),
        "self-influence": ("batch", "leave-one-out"),
        "gradient path": ("batch", "stop-gradient"),
        "partition diffusion": ("batch", "partitions-8"),
        "class composition": ("batch", "stratified"),
    }
    assert len(shares) == 2 * 2 * len(truth) * 2
    for mechanism, (alone, removed) in truth.items():
        for level in (8, 64):
            each = [effect(alone, level, s) - effect(removed, level, s) for s in range(6)]
            row = shares.loc[("every draw", "train_loss", mechanism, level)]
            assert row["mean"] == pytest.approx(np.mean(each))
            assert row["low"] < row["mean"] < row["high"]
            assert row["units"] == 6
            other = shares.loc[("every draw", "test_loss", mechanism, level)]
            assert other["mean"] == pytest.approx(-np.mean(each))


def test_intervals_of_shares_are_turned_with_their_sign(effects: pd.DataFrame) -> None:
    plain = effects.query("reading == 'every draw' and quantity == 'train_loss'")
    shares = mechanism_shares(plain, EARLIER).set_index(["mechanism", "level"])
    of = plain.query("against == 'batch'").set_index(["arm", "level"])
    row, arm = shares.loc[("class composition", 8)], of.loc[("stratified", 8)]
    assert (row["low"], row["high"]) == (-arm["high"], -arm["low"])


def test_shares_without_arms(effects: pd.DataFrame) -> None:
    assert mechanism_shares(pd.DataFrame(), EARLIER).empty
    alone = mechanism_shares(effects[effects["against"] == "batch"], EARLIER)
    assert set(alone["mechanism"]) == {
        "self-influence",
        "gradient path",
        "partition diffusion",
        "class composition",
    }
    # References of one size each say nothing of mechanisms.
    one_size = mechanism_shares(effects[effects["arm"] == "layer"], EARLIER)
    assert one_size.empty


def test_unpaired_trials_and_crossed_facets_have_no_effects(tmp_path: Path) -> None:
    search = [
        trial(norm_batch_size=m, draw=i, arm=arm, learning_rate=0.1 + i)
        for i, (m, arm) in enumerate([(8, "batch"), (64, "batch"), (64, "other")])
    ]
    assert effects_of(run_of(tmp_path / "search", search)).empty
    levels = {"activation": ["relu", "tanh"], **LEVELS}
    trials = crossed(levels, arm="batch") + crossed(levels, arm="stratified", ghosts="stratified")
    assert effects_of(run_of(tmp_path / "facets", trials, scientific=levels)).empty

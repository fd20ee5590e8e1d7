"""Sampling, staleness and propagation beside theory, and what repairs the error."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables import running_error_parts as error_parts
from caviar.analysis.tables import running_statistics as test_time
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import EXAMPLES, STEPS, World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [8, 64, 256]}
RULES = ("biased", "unbiased", "debiased", "cumulative", "keras-3")
N = EXAMPLES["train"]
SHARES = {"sampling": 0.5, "staleness": 0.3, "propagation": 0.2}
Array = np.ndarray[Any, Any]


WORLD = World(
    mean_error=lambda config, seed, layer, tracker: (1 + seed) / size(config),
    variance_error=lambda config, seed, layer, tracker: (2 + seed) / size(config),
    validation=lambda config, seed: -float(config.draw),
    test=lambda config, seed: 100.0 * seed,
    penalty=lambda config, seed: (1 + seed) / size(config),
)


def study(root: Path, levels: dict[str, Any] = SIZES, **fields: Any) -> Run:
    fields = {"conventions": RULES, "decays": (0.5,), "shadow": True, **fields}
    return run_of(root, crossed(levels, **fields), WORLD, scientific=levels)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return study(tmp_path_factory.mktemp("known"))


def test_parts_by_hand(known: Run) -> None:
    table = error_parts.error_parts(compared(known))
    trackers = table[["rule", "tracker_decay"]].drop_duplicates()
    assert len(table) == len(trackers) * 3 * 6
    for row in table.to_dict("records"):
        offset = {"mean": 1, "variance": 2}[row["quantity"]]
        each = SHARES[row["part"]] * (offset + np.arange(6)) / row["level"]
        expected = mean_interval(each, np.random.default_rng(0))
        assert (row["mean"], row["low"], row["high"], row["units"]) == pytest.approx(expected)


def weights_by_recursion(rule: str, decay: float, steps: int) -> Array:
    """What each update's statistic weighs after the last of them, update by update."""
    weights, total = np.zeros(steps), 0.0
    for t in range(steps):
        keep = t / (t + 1) if rule == "cumulative" else decay
        weights *= keep
        weights[t] = 1 - keep
        total = keep * total + 1 - keep
    return weights / total if rule == "debiased" else weights


def variance_by_recursion(weights: Array, m: int, per_epoch: int) -> float:
    """Of the weighted mean of batch means, an epoch without replacement, epochs independent.

    Covariance of the means of two disjoint batches of m of N: -1 / (N - 1); of one with itself
    (N - m) / (N - 1) / m.
    """
    epoch = np.arange(len(weights)) // per_epoch
    covariance = np.where(epoch[:, None] == epoch, -1 / (N - 1), 0.0)
    np.fill_diagonal(covariance, (N - m) / (N - 1) / m)
    return float(weights @ covariance @ weights)


def test_theory_is_that_of_a_direct_recursion(known: Run) -> None:
    """Ten updates of 256 of 1024: two epochs of four and half a third."""
    table = error_parts.error_parts(compared(known))
    rows = table.query("part == 'sampling' and quantity == 'mean' and rule != 'keras-3'")
    assert len(rows) == (3 * 2 + 1) * 3
    for row in rows.to_dict("records"):
        weights = weights_by_recursion(row["rule"], row["tracker_decay"], STEPS)
        expected = math.sqrt(variance_by_recursion(weights, int(row["level"]), N // 256))
        assert row["predicted"] == pytest.approx(expected, rel=1e-9)


def test_theory_at_the_end_of_an_epoch(tmp_path: Path) -> None:
    """Batches of 512: ten updates are five epochs. The mean of all whole epochs is exact."""
    levels = {"norm_batch_size": [64, 512]}
    run = study(tmp_path, levels, batch_size=512)
    table = error_parts.error_parts(compared(run))
    rows = table.query("part == 'sampling' and quantity == 'mean' and rule != 'keras-3'")
    for row in rows.to_dict("records"):
        weights = weights_by_recursion(row["rule"], row["tracker_decay"], STEPS)
        variance = variance_by_recursion(weights, int(row["level"]), 2)
        assert row["predicted"] ** 2 == pytest.approx(variance, abs=1e-15)
        if (row["rule"], row["level"]) == ("cumulative", 512):
            assert row["predicted"] == pytest.approx(0, abs=1e-7)


def test_theory_is_that_of_shuffled_epochs_in_a_simulation() -> None:
    """The covariance above against 40,000 shuffles of a tiny population; 4 z."""
    generator = np.random.default_rng(1)
    values = np.array([-2.0, -1, -1, 0, 0, 1, 3, 0])
    values = (values - values.mean()) / values.std()
    shuffled = generator.permuted(np.tile(values, (40_000, 2, 1)), axis=2)
    batches = shuffled.reshape(40_000, 2, 4, 2).mean(axis=3)
    weights = weights_by_recursion("unbiased", 0.5, 8)
    means = batches.reshape(40_000, 8) @ weights
    n, m = 8, 2
    covariance = np.where(np.arange(8)[:, None] // 4 == np.arange(8) // 4, -1 / (n - 1), 0.0)
    np.fill_diagonal(covariance, (n - m) / (n - 1) / m)
    truth = weights @ covariance @ weights
    error = np.sqrt(np.var(means**2) / len(means))
    assert abs(np.mean(means**2) - truth) < 4 * error


def test_theory_is_of_the_sampling_error_of_known_rules(known: Run) -> None:
    table = error_parts.error_parts(compared(known))
    told = table["predicted"].notna()
    other = (table["part"] != "sampling") | (table["quantity"] != "mean")
    assert not told[other | (table["rule"] == "keras-3")].any()


UNKNOWN: dict[str, dict[str, Any]] = {
    "the whole batch is seen": {"ghost_update": "total"},
    "ghosts are stratified": {"ghosts": "stratified"},
}


@pytest.mark.parametrize("fields", UNKNOWN.values(), ids=UNKNOWN)
def test_no_theory_where_an_update_sees_no_random_ghost(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    run = study(tmp_path, **fields)
    assert error_parts.error_parts(compared(run))["predicted"].isna().all()


def test_no_theory_above_the_batch_of_an_update(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [64, 512]}
    run = study(tmp_path, levels, batch_size=256)
    told = error_parts.error_parts(compared(run)).dropna(subset="predicted")
    assert set(told["level"]) == {64}


def test_no_theory_where_batches_differ(tmp_path: Path) -> None:
    levels = {"batch_size": [64, 256]}
    run = study(tmp_path, levels, norm_batch_size=64)
    table = error_parts.error_parts(compared(run))
    assert len(table) and table["predicted"].isna().all()


def test_without_a_shadow_there_are_no_parts(tmp_path: Path) -> None:
    run = study(tmp_path, shadow=False)
    assert error_parts.error_parts(compared(run)).empty
    old = run.statistics.drop(columns=[c for c in run.statistics if c.endswith("_sampling")])
    assert error_parts.error_parts(compared(Run(**{**vars(run), "statistics": old}))).empty


def test_repairs_are_against_population_statistics_of_the_same_weights(known: Run) -> None:
    """Of the rows: the batch's own cost the penalty, precise an eighth less, EvalNorm a quarter."""
    table = test_time.repairs(compared(known)).set_index(["statistics", "level"])
    assert len(table) == 3 * 3
    for m in (8, 64, 256):
        assert table.loc[("precise", m), ["mean", "units"]].tolist() == [-0.125, 6]
        assert table.loc[("evalnorm", m), ["mean", "units"]].tolist() == [0.25, 6]
        expected = mean_interval((1 + np.arange(6.0)) / m, np.random.default_rng(0))
        estimate = table.loc[("batch", m), ["mean", "low", "high", "units"]]
        assert tuple(estimate) == pytest.approx(expected)


def test_repairs_are_of_the_test_split_and_the_size_trained_with(known: Run) -> None:
    rows = known.evaluations
    others = rows[rows["statistics"] == "batch"]
    elsewhere = others.assign(probe_batch_size=4, loss=50.0)
    spoiled = rows.assign(loss=rows["loss"].where(rows["split"] == "test", 70.0))
    changed = Run(
        **{**vars(known), "evaluations": pd.concat([spoiled, elsewhere], ignore_index=True)}
    )
    assert test_time.repairs(compared(changed)).equals(test_time.repairs(compared(known)))


def test_without_them_there_are_no_repairs(tmp_path: Path) -> None:
    levels = {"batch_size": [64, 128]}
    run = run_of(tmp_path, crossed(levels, norm="layer"), scientific=levels)
    assert test_time.repairs(compared(run)).empty


def test_a_diverged_seed_is_counted_in_repairs(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), seed) == (64, 2) else 0.5

    run = run_of(tmp_path, crossed(SIZES), World(test=loss), scientific=SIZES)
    counts = test_time.repairs(compared(run)).groupby("level")[["units", "left_out"]]
    assert counts.min().to_numpy().tolist() == [[6, 0], [5, 1], [6, 0]]

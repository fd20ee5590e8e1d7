"""Two invented runs side by side, with known differences; p-values against SciPy."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from caviar.analysis.compare.rows import settled
from caviar.analysis.compare.runs import _whole_means, compare, p_value
from caviar.analysis.compare.text import opening, text
from caviar.analysis.run.read import Run, read_run
from caviar.analysis.statistics.intervals import difference_interval, mean_interval
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from tests.analysis.compare.two_runs import RATES, SIZES, changed, noisy, row, run, shifted
from tests.analysis.synthetic import World, crossed, size, stored_run, trial, wiggle


def test_a_run_is_itself(tmp_path: Path) -> None:
    here = run(tmp_path / "a", lambda c, s: math.nan if s == 2 else 0.5)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    two = compare(here, read_run(tmp_path / "b"))
    rows = sum(len(pq.read_table(f)) for f in (tmp_path / "a").glob("[cenps]*/part-*"))
    assert two.verdict == "same" and two.bits.same and two.bits.first is None
    assert opening(two) == f"The runs are the same, bit for bit, in all {rows:,} rows."
    assert two.changes == () and (two.differences["mean"] == 0).all()
    assert not two.differences["sure"].any()


@pytest.mark.parametrize("value", [0.7, math.nan, math.inf])
def test_a_value_that_is_wrong_is_no_last_digit(here: Run, tmp_path: Path, value: float) -> None:
    shutil.copytree(here.where, tmp_path / "b")
    changed(tmp_path / "b", "statistics", "mean_bias", 3, value)
    two = compare(here, read_run(tmp_path / "b"))
    assert two.verdict == "not significantly" and two.bits.differing == 1
    (largest,) = [c.largest for c in two.bits.tables if c.largest]
    assert largest == {"mean_bias": 0.7 if value == 0.7 else math.inf}
    assert opening(two).startswith("No mean differs significantly: the smallest of ")
    assert "mean_bias 0.0, then" in text(two, here, here)


def test_rows_of_one_run_alone_are_a_difference(here: Run, tmp_path: Path) -> None:
    shutil.copytree(here.where, tmp_path / "b")
    shutil.rmtree(tmp_path / "b" / "predictions")
    two = compare(here, read_run(tmp_path / "b"))
    assert two.verdict == "not significantly" and two.bits.alone == len(here.predictions)
    assert f"; {len(here.predictions):,} rows are in only one run" in text(two, here, here)


def test_a_trial_of_one_run_alone_is_not_the_same_run(tmp_path: Path) -> None:
    trials = crossed(SIZES, rates=RATES)
    here = stored_run(tmp_path / "a", trials, scientific=SIZES)
    second = stored_run(tmp_path / "b", trials[:3], scientific=SIZES)
    two = compare(here, second)
    assert two.bits.same and two.bits.trials == 3 and two.verdict == "not significantly"
    assert len(settled(here)) == 4


def test_pairs_are_by_level_draw_and_seed(here: Run, tmp_path: Path) -> None:
    """Seeds scatter by 0.1, the effect of 0.02 by 0.001: only pairs show it."""
    second = run(tmp_path / "b", shifted, momentum=0.8)
    two = compare(here, second)
    assert two.verdict == "differ" and two.bits.trials == 0
    one = row(two, "test_loss", 8)
    seeds = [
        np.mean([shifted(c, s) - noisy(c, s) for c in crossed(SIZES, rates=RATES) if size(c) == 8])
        for s in range(6)
    ]
    expected = mean_interval(np.array(seeds), np.random.default_rng(0))
    assert [one[n] for n in expected._fields] == pytest.approx(list(expected), rel=1e-9)
    assert one["paired"] and one["sure"] and one["left_out"] == 0
    assert row(two, "test_loss", 64)["mean"] == pytest.approx(0, abs=1e-12)
    tests = two.differences["p_value"].notna().sum()
    assert one["adjusted"] == pytest.approx(one["p_value"] * tests)
    assert opening(two).startswith("They differ: test_loss at norm_batch_size = 8 by -0.0199 [")


def test_other_data_are_not_paired(here: Run, tmp_path: Path) -> None:
    other = DatasetConfig(name="digits", train=1024, validation=256, fingerprint="0" * 12)
    second = run(tmp_path / "b", shifted, dataset=other)
    one = row(compare(here, second), "test_loss", 8)
    configs = [c for c in crossed(SIZES, rates=RATES) if size(c) == 8]
    sides = [
        np.array([np.mean([loss(c, s) for c in configs]) for s in range(6)])
        for loss in (shifted, noisy)
    ]
    expected = difference_interval(sides[0], sides[1], np.random.default_rng(0))
    assert not one["paired"] and not one["sure"]
    assert [one[n] for n in expected._fields] == pytest.approx(list(expected), rel=1e-9)
    welch = stats.ttest_ind(sides[0], sides[1], equal_var=False)
    assert one["p_value"] == pytest.approx(welch.pvalue)


def test_the_points_that_both_drew_pair_first(tmp_path: Path) -> None:
    """The second run's draws are the first's in the other order, and one more."""

    def by_rate(config: TrialConfig, seed: int) -> float:
        return config.learning_rate + wiggle(config, seed)

    here = run(tmp_path / "a", by_rate)
    second = run(tmp_path / "b", by_rate, rates=(0.4, 0.2, 0.1), momentum=0.8)
    assert row(compare(here, second), "test_loss", 8)["mean"] == pytest.approx(0, abs=1e-12)
    none = run(tmp_path / "c", by_rate, rates=(0.4, 0.5), momentum=0.8)
    apart = row(compare(here, none), "test_loss", 8)
    assert apart["paired"] and apart["mean"] == pytest.approx(0.3)


def test_pairs_with_a_missing_side_are_left_out(tmp_path: Path) -> None:
    def bad(config: TrialConfig, seed: int) -> float:
        return math.inf if (seed, size(config)) == (3, 8) else noisy(config, seed)

    first, second = run(tmp_path / "a", bad), run(tmp_path / "b", momentum=0.8, seeds=range(5))
    two = compare(first, second)
    for quantity in ("test_loss", "test_accuracy"):
        one = row(two, quantity, 8)
        assert (one["units"], one["left_out"]) == (4, 4)  # seeds 3 and 5, two draws each
        assert math.isnan(one["low"]) and math.isnan(one["p_value"]) and not one["sure"]
    assert row(two, "train_loss", 8)["units"] == 5


def test_every_quantity_is_the_last_step(tmp_path: Path) -> None:
    world = World(
        penalty=lambda c, s: 0.5 + wiggle(c, s),
        damage=lambda c, s, tracker: (1.0 if tracker == "cumulative" else 2.0) + wiggle(c, s),
        accuracy=lambda c, s: 0.75,
    )
    trials = crossed(SIZES)
    here = stored_run(tmp_path / "a", trials, scientific=SIZES)
    two = compare(here, stored_run(tmp_path / "b", trials, world, scientific=SIZES))
    means = {(r["quantity"], r["tracker"]): r["mean"] for r in two.differences.to_dict("records")
             if r["norm_batch_size"] == "8"}  # fmt: skip
    wiggles = float(np.mean([wiggle(trials[0], s) for s in range(6)]))
    moved = 0.2 / 8 - wiggles * 0.99
    assert means == pytest.approx(
        {
            ("train_loss", ""): 0.0,
            ("test_loss", ""): 0.0,
            ("test_accuracy", ""): -0.15,
            ("noise_penalty", ""): 0.5 - 1 / 8 + wiggles,
            ("running_damage", "unbiased/0.9"): 2.0 - moved,
            ("running_damage", "cumulative"): 1.0 - moved,
        },
        abs=1e-12,
    )


def test_a_random_search_repeats_draws(tmp_path: Path) -> None:
    def world(shift: float) -> World:
        return World(test=lambda c, s: 0.1 * c.draw + s + shift * (1 + wiggle(c, c.draw)))

    trials = [
        trial(norm_batch_size=8 << (d % 3), seeds=[0], draw=d, learning_rate=0.1 + d / 100)
        for d in range(9)
    ]
    drawn = ["norm_batch_size", "learning_rate"]
    runs = [
        stored_run(tmp_path / name, trials, world(shift), nuisance=drawn)
        for name, shift in (("a", 0.0), ("b", 0.5))
    ]
    table = compare(*runs).differences
    one = table[table["quantity"] == "test_loss"].to_dict("records")[0]
    assert one["units"] == 9 and one["paired"] and one["sure"]
    assert one["mean"] == pytest.approx(0.5, rel=0.01)


def test_what_differs_between_the_studies_is_listed(here: Run, tmp_path: Path) -> None:
    other = {"norm_batch_size": [8, 32]}
    second = stored_run(tmp_path / "b", crossed(other), scientific=other, name="mine")
    two = compare(here, second)
    changes = {c.field: (c.first_value, c.second_value) for c in two.changes}
    assert changes["name"] == ("synthetic", "mine")
    assert changes["scientific.norm_batch_size"] == ([8, 64], [8, 32])
    assert changes["nuisance.learning_rate"][1] is None and len(changes) == 3
    assert set(two.differences["norm_batch_size"]) == {"8"}
    assert '  name: "synthetic", then "mine"' in text(two, here, second).splitlines()


def test_nothing_in_common_says_what_each_has(here: Run, tmp_path: Path) -> None:
    other = {"batch_size": [128]}
    trials = crossed(other, norm_batch_size=32)
    second = stored_run(tmp_path / "b", trials, scientific=other)
    with pytest.raises(ValueError, match=r"no level in common: .*a has norm_batch_size = 8 \| 64,"):
        compare(here, second)


def test_arms_are_levels(tmp_path: Path) -> None:
    runs = []
    rates = {"batch": 0.9, "slow": 0.8, "slower": 0.7}
    for name, arms in (("a", ("batch", "slow")), ("b", ("batch", "slower"))):
        trials = [t for arm in arms for t in crossed(SIZES, arm=arm, momentum=rates[arm])]
        runs.append(stored_run(tmp_path / name, trials, scientific=SIZES))
    table = compare(*runs).differences
    assert set(table["arm"]) == {"batch"} and set(table["norm_batch_size"]) == {"8", "64"}


@given(st.lists(st.floats(-10, 10), min_size=5, max_size=30), st.integers(5, 20))
def test_p_values_are_scipys(values: list[float], n: int) -> None:
    a = np.array(values) + 1e-3 * np.arange(len(values)) ** 2
    b = np.random.default_rng(n).standard_normal(n)
    assert p_value(a) == pytest.approx(stats.ttest_1samp(a, 0).pvalue, rel=1e-9)
    two = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert p_value(a, b) == pytest.approx(two, rel=1e-9)


def test_p_values_without_spread_or_units() -> None:
    assert p_value(np.zeros(6)) == 1.0 and p_value(np.full(6, 0.5)) == 0.0
    assert math.isnan(p_value(np.arange(4.0)))
    assert math.isnan(p_value(np.arange(9.0), np.arange(4.0)))


def test_a_mean_over_equal_points_needs_all_of_them() -> None:
    values = [1.0, 3.0, 1.0, math.nan]
    side = pd.DataFrame({"point": "a", "seed": [0, 0, 1, 1], "value": values})
    means = _whole_means(side, ["point", "seed"]).to_numpy()
    assert means[0] == 2.0 and math.isnan(means[1])

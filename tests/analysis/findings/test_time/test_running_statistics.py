"""What is said of running statistics and of their cost."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.test_time.running_statistics import RUNNING_DAMAGE
from caviar.analysis.number_format import number
from caviar.analysis.tables.running_statistics import damage_bands
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size


def test_no_running_average_costs_anything(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    world = World(damage=lambda config, seed, tracker: -0.01)
    results = results_in(run_of(tmp_path, crossed(levels), world, scientific=levels))
    *_, last = RUNNING_DAMAGE.sentences(results)
    assert last == (
        "No running average that was kept raises test loss significantly over population "
        "statistics."
    )


SIZES = {"norm_batch_size": [4, 8, 16, 32, 64, 128, 256]}
DECAYS = (0.8, 0.9, 0.95, 0.98, 0.99)


def with_damage(root: Path, at_64: float) -> Results:
    """Noise about zero under every average at every size, but for one of them."""

    def damage(config: TrialConfig, seed: int, tracker: str) -> float:
        key = [int(size(config)), seed, *tracker.encode()]
        effect = at_64 if size(config) == 64 and tracker == "biased/0.98" else 0.0
        return effect + float(np.random.default_rng(key).normal(0, 0.01))

    trials = crossed(SIZES, seeds=range(8), conventions=("biased", "unbiased"), decays=DECAYS)
    return results_in(run_of(root, trials, World(damage=damage), scientific=SIZES))


def test_the_worst_of_seventy_pays_for_being_picked(tmp_path: Path) -> None:
    """Alone, some of 70 averages that cost nothing are significantly above zero."""
    results = with_damage(tmp_path, 0.0)
    alone = results.reading("running_damage")
    assert len(alone) >= 70 and (alone["low"] > 0).any()
    *_, last = RUNNING_DAMAGE.sentences(results)
    assert last.startswith("No running average that was kept raises test loss significantly")


def test_an_average_that_costs_is_named_with_the_band(tmp_path: Path) -> None:
    results = with_damage(tmp_path, 0.1)
    *_, last = RUNNING_DAMAGE.sentences(results)
    bands = damage_bands(results.comparison)
    row = bands[(bands["rule"] == "biased") & (bands["tracker_decay"] == 0.98)]
    row = row[row["level"] == 64].iloc[0]
    assert f"[{number(row['band_low'])}, {number(row['band_high'])}] nats at m = 64" in last
    assert last.endswith("; that interval holds for all of them together.")
    alone = results.reading("running_damage")
    same = alone[(alone["rule"] == "biased") & (alone["tracker_decay"] == 0.98)]
    same = same[same["level"] == 64].iloc[0]
    assert row["band_low"] < same["low"] and same["high"] < row["band_high"]


def test_an_average_that_diverged_at_a_seed_has_no_band(tmp_path: Path) -> None:
    world = World(damage=lambda c, s, t: math.inf if s == 1 and size(c) == 8 else 0.1 + s / 1000)
    results = results_in(run_of(tmp_path, crossed(SIZES, seeds=range(6)), world, scientific=SIZES))
    assert 8 not in set(damage_bands(results.comparison)["level"])
    *_, last = RUNNING_DAMAGE.sentences(results)
    assert " at m = 8;" not in last and "raises test loss most" in last

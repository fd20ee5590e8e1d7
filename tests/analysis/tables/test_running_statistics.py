"""Question 2 on runs whose answer is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from caviar.analysis.run.read import Run, read_run
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables import batch_noise as noise
from caviar.analysis.tables import running_statistics as test_time
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, write_run, write_study

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)
LAYERS = {"norm1": 1.0, "norm2": 4.0}
DAMAGE = {"unbiased/0.9": 0.25, "unbiased/0.5": -0.5, "cumulative": 2.0}


def error(config: TrialConfig, seed: int, layer: str, tracker: str) -> float:
    return LAYERS[layer] * (1 + seed + 16 * config.draw) * (1 + DAMAGE[tracker]) / size(config)


def damage(config: TrialConfig, seed: int, tracker: str) -> float:
    return DAMAGE[tracker] * (1 + seed + 16 * config.draw) / size(config)


KNOWN = World(
    train=lambda config, seed: 1024.0 * seed,
    validation=lambda config, seed: 2.0 - config.draw,
    test=lambda config, seed: 1024.0 * seed + config.draw,
    mean_error=error,
    variance_error=lambda *of: 2 * error(*of),
    damage=damage,
    kurtosis=lambda config, seed, layer: LAYERS[layer] + seed / 8,
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three sizes, two draws (the second is the better), six seeds, two layers, three trackers."""
    trials = crossed(SIZES, rates=RATES, hidden=(8, 8), decays=(0.5,))
    return run_of(tmp_path_factory.mktemp("known"), trials, KNOWN, scientific=SIZES)


def test_statistics_error_has_a_row_for_everything(known: Run) -> None:
    table = test_time.statistics_error(compared(known))
    keys = ["reading", "quantity", "layer", "rule", "tracker_decay", "level"]
    assert not table.duplicated(keys).any()
    assert len(table) == 2 * 3 * 2 * 3 * 3
    assert set(table["quantity"]) == {"mean_error", "variance_error", "variance_bias"}
    units = table.groupby("reading")["units"].unique().map(list).to_dict()
    assert units == {"every draw": [6], "best draw": [5]} and set(table["left_out"]) == {0}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("tracker", DAMAGE)
def test_statistics_error_by_hand(known: Run, layer: str, tracker: str) -> None:
    """Draws are averaged within a seed, then seeds; the best draw is the second,
    chosen by seed 0 and read at the others."""
    rule, _, decay = tracker.partition("/")
    table = test_time.statistics_error(compared(known))
    rows = table[(table["layer"] == layer) & (table["rule"] == rule) & (table["level"] == 8)]
    rows = rows[rows["tracker_decay"].eq(float(decay)) if decay else rows["tracker_decay"].isna()]
    means = rows.set_index(["reading", "quantity"])["mean"]
    scale = LAYERS[layer] * (1 + DAMAGE[tracker]) / 8
    assert means.loc[("every draw", "mean_error")] == pytest.approx(scale * (1 + 2.5 + 8))
    assert means.loc[("every draw", "variance_error")] == pytest.approx(2 * scale * (1 + 2.5 + 8))
    assert means.loc[("best draw", "mean_error")] == pytest.approx(scale * (1 + 3 + 16))
    assert means.loc[("best draw", "variance_bias")] == -0.5


def test_the_interval_of_an_error_is_over_seeds(known: Run) -> None:
    row = test_time.statistics_error(compared(known)).iloc[0]
    assert (row["layer"], row["rule"], row["level"]) == ("norm1", "cumulative", 8)
    expected = mean_interval(3 * (9 + np.arange(6.0)) / 8, np.random.default_rng(0))
    assert tuple(row[["mean", "low", "high", "units"]]) == pytest.approx(expected)


@pytest.mark.parametrize("tracker", DAMAGE)
def test_running_damage_by_hand(known: Run, tracker: str) -> None:
    """Exact, although seeds differ by a thousand nats: same weights are held against each other."""
    rule, _, decay = tracker.partition("/")
    table = test_time.running_damage(compared(known))
    assert len(table) == 2 * 3 * 3
    rows = table[table["rule"] == rule]
    rows = rows[rows["tracker_decay"].eq(float(decay)) if decay else rows["tracker_decay"].isna()]
    for reading, seeds, draws in (("every draw", 2.5, 8), ("best draw", 3, 16)):
        means = rows[rows["reading"] == reading].set_index("level")["mean"]
        assert means.to_dict() == {
            m: DAMAGE[tracker] * (1 + seeds + draws) / m for m in (8, 64, 256)
        }


def test_running_damage_is_of_the_test_split(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    rows = run.evaluations
    elsewhere = (rows["split"] != "test") & (rows["statistics"] == "running")
    spoiled = rows.assign(loss=rows["loss"].where(~elsewhere, 50.0))
    other = Run(**{**vars(run), "evaluations": spoiled})
    assert test_time.running_damage(compared(other)).equals(test_time.running_damage(compared(run)))


def test_diverged_seeds_are_counted(tmp_path: Path) -> None:
    def test_loss(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), seed) == (8, 3) else 0.5

    world = World(
        test=test_loss,
        mean_error=lambda config, seed, layer, tracker: (
            math.inf if (size(config), seed) == (64, 2) else 0.5
        ),
    )
    run = run_of(tmp_path, crossed(SIZES), world, scientific=SIZES)
    left = test_time.running_damage(compared(run)).groupby("level")[["left_out", "units"]].max()
    assert left.to_numpy().tolist() == [[1, 5], [0, 6], [0, 6]]
    errors = test_time.statistics_error(compared(run)).query("quantity == 'mean_error'")
    left = errors.groupby("level")[["left_out", "units"]].min()
    assert left.to_numpy().tolist() == [[0, 6], [1, 5], [0, 6]]


def test_batch_noise_predictions_by_hand(known: Run) -> None:
    """N = 1024; at m = 8: 1016/1023/8; deviations with the layer's mean excess kurtosis."""
    table = noise.batch_noise(compared(known)).query("reading == 'every draw'")
    table = table.set_index(["layer", "probe_batch_size"])
    assert len(table) == 4
    for layer, m in table.index:
        row = table.loc[(layer, m)]
        mean = (1024 - m) / 1023 / m
        kurtosis = LAYERS[layer] + 2.5 / 8
        assert row["predicted_mean"] == pytest.approx(mean)
        assert row["excess_kurtosis"] == pytest.approx(kurtosis)
        assert row["predicted_deviation"] == pytest.approx(mean * (kurtosis + 2) / 4)
        assert row["networks"] == 3 * 2 * 6


def test_batch_noise_measurements_are_of_the_last_step(known: Run) -> None:
    """The synthetic networks measure exactly what is predicted, but nine times that half way."""
    table = noise.batch_noise(compared(known))
    assert table["measured_mean"].to_numpy() == pytest.approx(table["predicted_mean"].to_numpy())
    measured = table["measured_deviation"].to_numpy()
    assert measured == pytest.approx(table["predicted_deviation"].to_numpy())


def test_without_batch_norm_there_is_nothing_to_say(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed({"batch_size": [64, 128]}, norm="layer"))
    assert test_time.statistics_error(compared(run)).empty
    assert test_time.running_damage(compared(run)).empty
    assert noise.batch_noise(compared(run)).empty


def test_without_layer_noise_there_is_no_theory_to_check(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES, hidden=(8,), norm="batch"), scientific=SIZES)
    network = run.noise[run.noise["layer"] == "network"]
    bare = Run(**{**vars(run), "noise": network})
    assert noise.batch_noise(compared(bare)).empty


def test_a_single_drawn_decay(tmp_path: Path) -> None:
    write_run(tmp_path, crossed(SIZES, decay=0.7), scientific=SIZES)
    write_study(tmp_path, SIZES, ["decay"])
    run = read_run(tmp_path)
    assert not test_time.running_damage(compared(run)).empty

"""Test loss at matched train loss: against closed forms, and where no evaluation is near."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from caviar.analysis.run.matched_loss import NEAR, at_target
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import EARLIER, World, compared, crossed, run_of, size, trial

STEPS = np.arange(20.0)
TRAIN = 2.0 * np.exp(-0.3 * STEPS)


def line_in_log_train(train: float) -> float:
    """A test loss that is linear in log train loss: interpolation is exact."""
    return 0.1 + 0.02 * math.log(train)


@pytest.mark.parametrize("target", [1.9, 0.5, 0.31, 0.0123])
def test_between_evaluations_it_is_exact_where_test_loss_follows_log_train_loss(
    target: float,
) -> None:
    test = 0.1 + 0.02 * np.log(TRAIN)
    assert at_target(TRAIN, test, target) == pytest.approx(line_in_log_train(target), abs=1e-14)


def test_a_smooth_curve_is_met_within_a_thousandth() -> None:
    """A test loss that turns up again as the network overfits: a + (log train)^2 / 100."""
    test = 0.1 + np.log(TRAIN) ** 2 / 100
    for target in (1.0, 0.4, 0.07):
        value = at_target(TRAIN, test, target)
        assert value == pytest.approx(0.1 + math.log(target) ** 2 / 100, abs=1e-3)


def test_an_evaluation_at_the_target_is_read_as_it_is() -> None:
    train, test = np.array([1.0, 0.01, 0.005]), np.array([0.9, 0.3, 0.2])
    assert at_target(train, test, 0.01) == 0.3


def test_the_first_time_counts() -> None:
    train, test = np.array([0.4, 0.3, 0.35, 0.3]), np.array([0.5, 0.2, 0.3, 0.9])
    assert at_target(train, test, 0.3) == 0.2


@pytest.mark.parametrize(
    ("train", "why"),
    [
        ([0.4, 0.19], "the evaluations around it differ by more than a factor of two"),
        ([0.2, 0.1], "the first evaluation lies below already"),
        ([0.5, 0.4], "it is never reached"),
        ([math.nan, 0.2], "the evaluation before is not finite"),
        ([0.31, 0.0], "there is no logarithm of 0"),
    ],
)
def test_no_evaluation_is_near(train: list[float], why: str) -> None:
    assert math.isnan(at_target(np.array(train), np.array([0.5, 0.4]), 0.3)), why


def test_a_factor_of_two_is_near() -> None:
    train = np.array([0.4, 0.4 / NEAR])
    assert math.isfinite(at_target(train, np.array([0.5, 0.4]), 0.3))


SIZES = {"norm_batch_size": [8, 64, 256]}


def fitted(config: TrialConfig, seed: int) -> float:
    """Final train loss: 8 fits worst. Half way it is higher by `EARLIER`."""
    return {8: 6.0, 64: 4.0, 256: 1.0}[size(config)] + seed / 16 + config.draw


WORLD = World(train=fitted, test=lambda config, seed: 5.0 + seed)


def test_a_run_is_matched_within_seed_and_draw_to_the_size_that_fits_worst(tmp_path: Path) -> None:
    """Sizes 64 and 256 pass 6 between half way and the end; only 64 has evaluations near."""
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2)), WORLD, scientific=SIZES)
    values = compared(run).final_values
    for row in values.to_dict("records"):
        target, end = 6 + row["seed"] / 16 + row["draw"], row["train_loss"]
        half, test = end + EARLIER, row["test_loss"]
        share = math.log(half / target) / math.log(half / end) if half > target else math.nan
        expected = {8.0: test, 64.0: test + EARLIER * (1 - share), 256.0: math.nan}[row["level"]]
        assert row["matched_test_loss"] == pytest.approx(expected, nan_ok=True), row


def test_a_network_that_diverges_sets_no_target_and_has_no_value(tmp_path: Path) -> None:
    def lost(config: TrialConfig, seed: int) -> float:
        return math.nan if size(config) == 8 and seed == 0 else fitted(config, seed)

    run = run_of(tmp_path, crossed(SIZES), World(train=lost, test=lost), scientific=SIZES)
    values = compared(run).final_values.set_index(["level", "seed"])["matched_test_loss"]
    assert math.isnan(values[8, 0])
    assert values[64, 0] == fitted(trial(norm_batch_size=64), 0), "the worst that is finite"


def test_random_trials_are_not_matched(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=m, draw=i, learning_rate=0.1 + i) for i, m in enumerate([8, 64])
    ]
    assert compared(run_of(tmp_path, trials)).final_values["matched_test_loss"].isna().all()

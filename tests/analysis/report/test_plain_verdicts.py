"""Each verdict says what the intervals license, on runs whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.plain_verdicts import (
    can_averages_be_trusted,
    does_smaller_help,
    judged,
)
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [4, 16, 64]}
Loss = Callable[[TrialConfig, int], float]


def jitter(config: TrialConfig, seed: int) -> float:
    """Noise of its own for every network, of some 0.0005 nats."""
    return 1e-3 * math.sin(97.0 * seed + 31.0 * size(config))


def results_with(
    root: Path, test: Loss, *, seeds: int = 8, accuracy: Loss = lambda config, seed: 0.9
) -> Results:
    made = World(
        train=lambda c, s: 0.05, test=lambda c, s: test(c, s) + jitter(c, s), accuracy=accuracy
    )
    run = run_of(root, crossed(SIZES, seeds=range(seeds)), made, scientific=SIZES)
    return results_in(run)


def at(losses: dict[int, float]) -> Loss:
    return lambda config, seed: losses[size(config)]


def test_a_smaller_size_that_helps(tmp_path: Path) -> None:
    accuracy = at({4: 0.97, 16: 0.98, 64: 0.97})
    results = results_with(tmp_path, at({4: 0.09, 16: 0.08, 64: 0.1}), accuracy=accuracy)
    verdict = does_smaller_help(results)
    assert verdict.says.startswith("Yes: m = 16 against 64 cuts test loss by 20 % (0.02 nats, 95 %")
    assert verdict.says.endswith("; accuracy +1 points [1, 1].")
    assert verdict.more == (
        "m = 4 is significantly worse than m = 16.",
        "Train loss stays within 0.005 nats.",
    )


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ({4: 0.13, 16: 0.11, 64: 0.1}, "No: m = 4 against 64 raises test loss by 30 % (0.03 nats"),
        ({4: 0.1, 16: 0.1, 64: 0.1}, "No: every size stays within 0.005 nats of m = 64."),
        ({4: 0.1, 16: 0.097, 64: 0.1}, "Hardly: m = 16 against 64 cuts test loss by 3 % (0.00"),
    ],
)
def test_a_smaller_size_that_does_not(tmp_path: Path, losses: dict[int, float], says: str) -> None:
    assert does_smaller_help(results_with(tmp_path, at(losses))).says.startswith(says)


def test_noise_decides_nothing(tmp_path: Path) -> None:
    """Seeds differ by 0.1 nats, sizes by 0.02."""
    mean = at({4: 0.3, 16: 0.28, 64: 0.3})
    noisy = results_with(tmp_path, lambda c, s: mean(c, s) + 100 * jitter(c, s))
    assert does_smaller_help(noisy).says.startswith(
        "Not decided: no size differs significantly from m = 64. Lowest is m = "
    )


def test_four_seeds_are_too_few(tmp_path: Path) -> None:
    few = results_with(tmp_path, at({4: 0.13, 16: 0.11, 64: 0.1}), seeds=4)
    says = "Not known: 4 seeds are too few for an interval, which takes 5."
    assert does_smaller_help(few).says == can_averages_be_trusted(few).says == says


@pytest.mark.parametrize(
    ("seeds", "says"),
    [
        (1, "1 seed is too few"),  # It chooses and is read.
        (2, "1 of the 2 seeds chooses the learning rate, and the other one is too few"),
        (5, "1 of the 5 seeds chooses the learning rate, and the other 4 are too few"),
    ],
)
def test_seeds_that_chose_the_rate_are_counted_apart(tmp_path: Path, seeds: int, says: str) -> None:
    trials = crossed(SIZES, rates=(0.1, 0.2), seeds=range(seeds))
    results = results_in(run_of(tmp_path, trials, World(test=jitter), scientific=SIZES))
    told = f"Not known: {says} for an interval, which takes 5."
    assert does_smaller_help(results).says == can_averages_be_trusted(results).says == told


def test_a_running_average_by_size(tmp_path: Path) -> None:
    """It adds 0.03 at m = 4 and 0.0001 elsewhere."""
    world = World(damage=lambda c, s, tracker: (0.03 if size(c) == 4 else 1e-4) + jitter(c, s) / 10)
    run = run_of(tmp_path, crossed(SIZES, seeds=range(8)), world, scientific=SIZES)
    assert can_averages_be_trusted(results_in(run)).says.startswith(
        "Decay 0.9: yes from m = 16 on (within 0.005 nats), no at m = 4 (+0.03 nats [0.03, 0.03])."
    )


def test_what_licenses_each_word() -> None:
    """Within the margin by its interval, beyond it by an adjusted p; no mean decides alone."""
    rows = pd.DataFrame(
        [
            (4, 0.02, 0.01, 0.03, 0.01),  # costs
            (8, 0.02, 0.01, 0.03, 0.2),  # significant alone, not among all sizes
            (16, 0.001, -0.002, 0.004, 0.01),  # within, though above zero
            (32, 0.004, -0.01, 0.02, 0.6),
            (64, -0.02, -0.03, -0.01, 0.01),  # helps
            (128, 0.003, 0.001, 0.006, 0.01),  # above zero, smaller than the margin, not within
        ],
        columns=["level", "mean", "low", "high", "p_family"],
    )
    assert judged(rows) == ((16.0,), (4.0,), (64.0,), (8.0, 32.0, 128.0))
    alone = judged(rows.assign(p_family=math.nan))
    assert alone == ((16.0,), (4.0, 8.0), (64.0,), (32.0, 128.0))

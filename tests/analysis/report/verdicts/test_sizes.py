"""Each verdict says what the intervals license, on runs whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.number_format import MINUS
from caviar.analysis.report.verdicts.averages import can_averages_be_trusted
from caviar.analysis.report.verdicts.sizes import does_smaller_help
from caviar.analysis.run.design import Design
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
    assert verdict.more == ("The best is m = 16 (95 %).", "Train loss stays within 0.005 nats.")


@pytest.mark.parametrize(
    ("diverges", "says"),
    [
        (4, "Yes: m = 16 against 64 cuts test loss by 10 % (0.0099 nats, 95 % in [0.00"),
        (64, "Not known: seeds diverged or are missing at m = 64, with which the others are c"),
    ],
)
@pytest.mark.parametrize("seeds", [1, 8])
def test_a_size_that_diverged(tmp_path: Path, diverges: int, says: str, seeds: int) -> None:
    """Its other seeds are a choice of the good ones: it is never the best, and is named."""

    def loss(config: TrialConfig, seed: int) -> float:
        lost = size(config) == diverges and seed < seeds
        return math.nan if lost else {4: 0.08, 16: 0.09, 64: 0.1}[size(config)]

    verdict = does_smaller_help(results_with(tmp_path, loss))
    if diverges == 64 and seeds == 8:
        assert verdict.says == "Not known: no size can be compared with m = 64."
    else:
        assert verdict.says.startswith(says)
    without = "Not counted: m = 4, where seeds diverged or are missing."
    assert verdict.says.endswith(without) == (diverges == 4)
    assert "none was tried" not in "".join(verdict.more)


@dataclass(frozen=True)
class Made:
    """Tables whose every number is given: the mean and band of each size against the last."""

    bands: dict[int, tuple[float, float, float]]
    best: tuple[float, float] = (4.0, 64.0)
    equivalent: bool = False
    largest: float = 0.1

    @property
    def design(self) -> Design:
        return Design("norm_batch_size", (*self.bands, 64), (), "seed", "norm batch size m")

    def reading(self, name: str) -> pd.DataFrame:
        if name == "best_size":
            low, high = self.best
            return pd.DataFrame([{"facet": "", "level": low, "low": low, "high": high}])
        if name == "losses":
            levels, shared = self.design.levels, {"quantity": "test_loss", "left_out": 0}
            return pd.DataFrame({"level": levels, "mean": self.largest, "facet": "", **shared})
        columns = ["level", "mean", "band_low", "band_high"]
        rows = pd.DataFrame([(m, *band) for m, band in self.bands.items()], columns=columns)
        rows = rows.assign(facet="", units=8, equivalent=self.equivalent, moved="undecided")
        accuracy = rows.assign(mean=0.01, band_low=0.005, band_high=0.0125)
        return pd.concat(
            [rows.assign(quantity="test_loss"), accuracy.assign(quantity="test_accuracy")]
        )

    def __getitem__(self, name: str) -> pd.DataFrame:
        return pd.DataFrame()


BETTER, BARELY, TINY = (-0.02, -0.03, -0.01), (-0.0036, -0.0052, -0.0018), (-0.002, -0.003, -0.001)
CHANCE, SAME = (-0.011, -0.025, 0.0038), (0.001, -0.002, 0.004)
HIGHER, WORSE = (0.006, -0.008, 0.02), (0.03, 0.02, 0.04)
CUTS = "m = 16 against 64 cuts test loss by"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        # The best is significant: inside, at the smallest size, alone.
        (
            Made({4: SAME, 16: BETTER}),
            f"Yes: {CUTS} 20 % (0.02 nats, 95 % in [0.01, 0.03]); accuracy +1 points [0.5, 1.2].",
        ),
        (
            Made({4: BETTER, 16: SAME}),
            "Yes: m = 4 against 64 cuts test loss by 20 % (0.02 nats, 95 % in [0.01, 0.03]); "
            "accuracy +1 points [0.5, 1.2].",
        ),
        # A lower mean that may be chance is named beside a significant one.
        (
            Made({4: (-0.03, -0.07, 0.01), 16: BETTER}),
            f"Yes: {CUTS} 20 % (0.02 nats, 95 % in [0.01, 0.03]); accuracy +1 points [0.5, 1.2]. "
            f"Test loss is lowest at m = 4, by 0.03 nats [{MINUS}0.01, 0.07], which may be chance.",
        ),
        (
            Made({4: CHANCE, 16: BARELY}),
            f"At least a little: {CUTS} 4 % (0.0036 nats, 95 % in [0.0018, 0.0052]); whether any "
            "size gains the 0.005 nats that count is not decided. Test loss is lowest at m = 4, "
            f"by 0.011 nats [{MINUS}0.0038, 0.025], which may be chance.",
        ),
        # Significant, and its own band or another's leaves open whether it counts.
        (
            Made({4: SAME, 16: BARELY}),
            f"At least a little: {CUTS} 4 % (0.0036 nats, 95 % in [0.0018, 0.0052]); whether any "
            "size gains the 0.005 nats that count is not decided.",
        ),
        (
            Made({4: HIGHER, 16: TINY}),
            f"At least a little: {CUTS} 2 % (0.002 nats, 95 % in [0.001, 0.003]); whether any "
            "size gains the 0.005 nats that count is not decided.",
        ),
        (
            Made({4: WORSE, 16: TINY}),
            f"Hardly: {CUTS} 2 % (0.002 nats, 95 % in [0.001, 0.003]), and no size gains the "
            "0.005 nats that count.",
        ),
        (
            Made({4: WORSE, 16: TINY}, largest=1.0),
            f"Hardly: {CUTS} less than 1 % (0.002 nats, 95 % in [0.001, 0.003]), and no size gains "
            "the 0.005 nats that count.",
        ),
        # No: all within the margin, all bounded, one of them worse, two sizes alone.
        (
            Made({4: SAME, 16: SAME}, equivalent=True),
            "No: every size stays within 0.005 nats of m = 64.",
        ),
        (Made({16: SAME}, equivalent=True), "No: m = 16 stays within 0.005 nats of m = 64."),
        (
            Made({4: (0.004, -0.001, 0.009), 16: SAME}),
            "No: no size gains the 0.005 nats that count.",
        ),
        (
            Made({4: WORSE, 16: SAME}),
            "No: m = 4 against 64 raises test loss by 30 % (0.03 nats, 95 % in [0.02, 0.04]), and "
            "no size gains the 0.005 nats that count.",
        ),
        (
            Made({16: WORSE}),
            "No: m = 16 against 64 raises test loss by 30 % (0.03 nats, 95 % in [0.02, 0.04]).",
        ),
        # Not decided: a worse size does not make a no of it, and the largest may be the lowest.
        (
            Made({4: WORSE, 16: CHANCE}),
            f"Not decided: test loss is lowest at m = 16, by 0.011 nats [{MINUS}0.0038, 0.025], "
            "which may be chance. m = 4 against 64 raises test loss by 30 % (0.03 nats, 95 % in "
            "[0.02, 0.04]).",
        ),
        (
            Made({16: HIGHER}),
            "Not decided: test loss is lowest at m = 64; at m = 16 it is higher by 0.006 nats "
            f"[{MINUS}0.008, 0.02], which may be chance.",
        ),
    ],
)
def test_the_words_are_those_that_the_bands_leave(made: Made, says: str) -> None:
    assert does_smaller_help(cast(Results, made)).says == says


def test_what_may_be_the_best_and_what_is_worse() -> None:
    """Two sizes that tie are both in the range; the worst may lie between better ones."""
    tied = does_smaller_help(cast(Results, Made({4: BETTER, 8: BETTER, 16: WORSE}, (4, 8))))
    assert tied.more == (
        "The best may be any of m = 4 to 8 (95 %), or smaller: none was tried.",
        "Significantly worse than m = 64: m = 16.",
    )
    alone = does_smaller_help(cast(Results, Made({4: SAME, 8: BETTER, 16: SAME}, (8, 8))))
    assert alone.more == ("The best is m = 8 (95 %).",)


def test_noise_decides_nothing(tmp_path: Path) -> None:
    """Seeds differ by 0.1 nats, sizes by 0.02."""
    mean = at({4: 0.3, 16: 0.28, 64: 0.3})
    noisy = results_with(tmp_path, lambda c, s: mean(c, s) + 100 * jitter(c, s))
    assert does_smaller_help(noisy).says.startswith("Not decided: test loss is lowest at m = ")


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

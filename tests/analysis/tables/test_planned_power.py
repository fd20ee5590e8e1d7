"""What so many seeds can show, before a run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.tables.planned_power import ASSUMED, Spread, assumed, of_pilot, power_line
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, run_of, size

SIZES = {"norm_batch_size": [8, 32, 256]}
NOISE = np.random.default_rng(0).standard_normal((20, 300))


def test_a_pilot_s_spread_is_that_of_its_paired_differences(tmp_path: Path) -> None:
    """A seed's own level cancels; what differs between sizes is known."""

    def loss(config: TrialConfig, seed: int) -> float:
        return 5.0 * seed + 0.004 * float(NOISE[seed, size(config)])

    trials = crossed(SIZES, seeds=range(20))
    spread = of_pilot(run_of(tmp_path, trials, World(test=loss), scientific=SIZES))
    wider = np.sqrt(19 / stats.chi2.ppf(0.2, 19))
    away = [0.004 * (NOISE[:, m] - NOISE[:, 256]) for m in (8, 32)]
    bounds = [np.std(one, ddof=1) * wider for one in away]
    assert spread.nats == pytest.approx(np.median(bounds))
    assert "synthetic, 20 seeds" in spread.source


def test_the_spread_is_that_of_the_chosen_draw(tmp_path: Path) -> None:
    """At the other draw sizes differ ten times as much; the first of six seeds chooses."""

    def loss(config: TrialConfig, seed: int) -> float:
        return 0.01 * seed + (size(config) == 8) * seed * (0.01 if config.draw else 0.001)

    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2)), World(test=loss), scientific=SIZES)
    expected = np.std(0.001 * np.arange(5), ddof=1) * np.sqrt(4 / stats.chi2.ppf(0.2, 4))
    assert of_pilot(run).nats == pytest.approx(expected)


@pytest.mark.parametrize(
    ("levels", "message"),
    [({"norm_batch_size": [8]}, "compares no sizes"), (SIZES, "fewer than two seeds")],
)
def test_a_pilot_that_says_nothing_is_refused(
    tmp_path: Path, levels: dict[str, list[int]], message: str
) -> None:
    run = run_of(tmp_path, crossed(levels, seeds=(0,)), scientific=levels)
    with pytest.raises(ValueError, match=message):
        of_pilot(run)


def test_the_line_s_numbers_are_those_of_the_t_test() -> None:
    line = power_line(12, Spread(0.01, "said"))
    detectable, needed = re.findall(r"differences of ([\d.]+) nats.* takes (\d+) seeds", line)[0]

    def power(effect: float, n: int) -> float:
        far, shift = stats.t.isf(0.025, n - 1), effect / 0.01 * np.sqrt(n)
        return float(stats.nct.sf(far, n - 1, shift) + stats.nct.cdf(-far, n - 1, shift))

    assert power(float(detectable), 12) == pytest.approx(0.8, abs=0.01)
    assert power(0.005, int(needed)) >= 0.8 > power(0.005, int(needed) - 1)
    assert line.startswith("power (spread over seeds of test-loss differences said): 12 seeds")


def test_one_seed_shows_nothing() -> None:
    assert "one seed cannot show a difference" in power_line(1, assumed())
    assert assumed().nats == ASSUMED

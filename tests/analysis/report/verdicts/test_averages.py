"""Where running averages are called safe, on runs whose truth is known."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from caviar.analysis.report.verdicts.averages import can_averages_be_trusted, judged
from tests.analysis.report.verdicts.test_sizes import SIZES, jitter
from tests.analysis.synthetic import World, crossed, results_in, run_of, size


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
            (256, 9.0, -8.0, 90.0, 0.01),  # seeds agree in sign, and one is far from the others
        ],
        columns=["level", "mean", "low", "high", "p_family"],
    )
    assert judged(rows) == ((16.0,), (4.0,), (64.0,), (8.0, 32.0, 128.0, 256.0))
    alone = judged(rows.assign(p_family=math.nan))
    assert alone == ((16.0,), (4.0, 8.0), (64.0,), (32.0, 128.0, 256.0))

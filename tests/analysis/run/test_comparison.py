"""A comparison and its readings, and runs that have none."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from tests.analysis.synthetic import compared, crossed, run_of, trial

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)


def test_readings(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), scientific=SIZES)
    readings = compared(run).final_readings
    assert list(readings) == [EVERY_DRAW, BEST_DRAW]
    assert len(readings[EVERY_DRAW]) == 3 * 6 * 2
    assert len(readings[BEST_DRAW]) == 3 * 5  # the first seed chooses
    assert not readings[BEST_DRAW].duplicated(["level", "seed"]).any()


def test_one_draw_has_one_reading(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    assert list(compared(run).final_readings) == [EVERY_DRAW]


def test_a_random_search_has_one_reading(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=m, draw=i, learning_rate=0.1 + i) for i, m in enumerate([8, 64])
    ]
    run = run_of(tmp_path, trials)
    assert list(compared(run).final_readings) == [EVERY_DRAW]

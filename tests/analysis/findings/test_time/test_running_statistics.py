"""What is said of running statistics and of their cost."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.test_time.running_statistics import RUNNING_DAMAGE
from tests.analysis.synthetic import World, crossed, results_in, run_of


def test_no_running_average_costs_anything(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    world = World(damage=lambda config, seed, tracker: -0.01)
    results = results_in(run_of(tmp_path, crossed(levels), world, scientific=levels))
    *_, last = RUNNING_DAMAGE.sentences(results)
    assert last == (
        "No running average that was kept raises test loss significantly over population "
        "statistics."
    )

"""Every network of a run with its series, for other tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.exports.series import networks
from tests.analysis.synthetic import STEPS, World, run_of, trial


def test_a_series_holds_what_the_table_holds(tmp_path: Path) -> None:
    config = trial(norm_batch_size=8, seeds=[3, 4], hidden=(8, 4))
    world = World(test=lambda c, seed: 0.1 * seed, damage=lambda c, seed, tracker: 0.5)
    first, second = networks(run_of(tmp_path, [config], world))
    assert (first.trial_id, first.seed, second.seed) == (config.trial_id, 3, 4)
    assert first.status == "completed"
    last = {point.series: point for point in first.points if point.step == STEPS}
    assert last["test/loss/population"].value == pytest.approx(0.3)
    assert last["test/loss/running/unbiased/0.9"].value == pytest.approx(0.8)
    assert last["training/scheduled_learning_rate"].value == 0.5
    assert second.last["test/loss/population"] == pytest.approx(0.4)
    assert first.settings["hidden"] == [8, 4] and first.settings["norm_batch_size"] == 8
    assert "convention" not in first.settings and "seeds" not in first.settings


def test_steps_rise_and_every_number_is_there(tmp_path: Path) -> None:
    run = run_of(tmp_path, [trial(norm="layer", seeds=[0])])
    (network,) = networks(run)
    for name in {point.series for point in network.points}:
        steps = [point.step for point in network.points if point.series == name]
        assert steps == sorted(set(steps)) == [STEPS // 2, STEPS], name
    assert len(network.points) == 2 * (5 + 3 * 2)

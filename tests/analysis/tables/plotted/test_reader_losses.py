"""Test loss under every reader is that of population statistics and what the reader adds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from caviar.analysis.tables.plotted.reader_losses import reader_losses
from tests.analysis.synthetic import World, compared, crossed, run_of

SIZES = {"norm_batch_size": [8, 64]}


def test_losses_of_population_and_running_average_differ_by_its_damage(tmp_path: Path) -> None:
    world = World(damage=lambda config, seed, tracker: 0.25)
    trials = crossed(SIZES, conventions=("unbiased",), decays=(0.9,))
    table = reader_losses(compared(run_of(tmp_path, trials, world, scientific=SIZES)))
    wide = table.pivot(index="level", columns="reader", values="mean")
    assert np.allclose(wide["unbiased, decay 0.9"] - wide["population"], 0.25)


def test_a_network_without_averages_has_none(tmp_path: Path) -> None:
    trials = crossed({"batch_size": [8, 64]}, norm="none")
    assert reader_losses(compared(run_of(tmp_path, trials, scientific=SIZES))).empty

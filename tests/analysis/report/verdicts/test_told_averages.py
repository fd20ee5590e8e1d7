"""The averages that the first screen tells: their decays, and p-values of all sizes together."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.report.verdicts.told_averages import told_averages
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [8, 32, 64]}


def test_the_studys_own_decay_and_the_longest(tmp_path: Path) -> None:
    """All six seeds agree at every size but 64: a p of 2 / 2^6 there, adjusted."""
    world = World(
        damage=lambda config, seed, tracker: (
            0.01 * (1 + seed / 50) if size(config) < 64 else (-1.0) ** seed * 0.01 * (1 + seed)
        )
    )
    trials = crossed(SIZES, decays=(0.5, 0.99))
    table = told_averages(results_in(run_of(tmp_path, trials, world, scientific=SIZES)))
    assert sorted(set(table["tracker_decay"])) == [0.9, 0.99]
    p_values = table.set_index("level")["p_family"]
    assert p_values[[8, 32]].to_numpy() == pytest.approx(2 / 2**6)
    assert (p_values[64] > 0.05).all()

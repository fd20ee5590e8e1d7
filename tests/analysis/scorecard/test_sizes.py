"""Which sizes a claim may speak of, and quantities laid out by size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.scorecard.sizes import (
    between_statistics,
    ghost_sizes,
    norm_sizes,
    probed,
    size_label,
    slopes,
)
from tests.analysis.scorecard.scenarios import ghosts, seedwise_of, updates
from tests.analysis.synthetic import World


def test_slopes_are_those_of_scipy() -> None:
    generator = np.random.default_rng(5)
    x, y = generator.normal(size=5), generator.normal(size=(3, 5))
    assert slopes(x, y) == pytest.approx([stats.linregress(x, row).slope for row in y])


def test_a_size_is_told_as_the_field_does() -> None:
    assert [size_label(size) for size in (8, 64.0, 1024)] == ["m = 8", "m = 64", "m = 1024"]


def test_ghosts_are_sizes_that_move_alone_and_statistics_have_sizes_also_with_the_batch(
    tmp_path: Path,
) -> None:
    alone = seedwise_of(tmp_path / "alone", ghosts(8, 64))
    together = seedwise_of(tmp_path / "together", updates(32, 64))
    update = seedwise_of(tmp_path / "update", updates(64, 256, norm_batch_size=64))
    assert (ghost_sizes(alone), norm_sizes(alone)) == ([8, 64], [8, 64])
    assert (ghost_sizes(together), norm_sizes(together)) == ([], [32, 64])
    assert (ghost_sizes(update), norm_sizes(update)) == ([], [])


def test_a_loss_between_statistics_needs_both_and_a_size(tmp_path: Path) -> None:
    """Precise statistics cost 0.2, EvalNorm 0.7 more than the population's."""
    s = seedwise_of(
        tmp_path,
        ghosts(8, 64),
        World(precise=lambda config, seed: 0.2, evalnorm=lambda config, seed: 0.7),
    )
    parts = between_statistics(s, "evalnorm", "precise", [8, 64])
    assert parts is not None and list(parts) == ["m = 8", "m = 64"]
    assert parts["m = 64"] == pytest.approx([0.5] * 6)
    assert between_statistics(s, "evalnorm", "precise", []) is None
    assert between_statistics(s, "evalnorm", "guessed", [8]) is None


def test_probed_sizes_lie_between_the_lowest_asked_for_and_the_training_split(
    tmp_path: Path,
) -> None:
    trials = ghosts(8, 64, probe_batch_sizes=(8, 64, 256, 1024))
    world = World(network=lambda config, seed, m: {"noise_penalty": m + seed})
    wide = probed(seedwise_of(tmp_path, trials, world), "noise_penalty", 64)
    assert list(wide) == [64, 256]
    assert wide.loc[3].tolist() == pytest.approx([67, 259])
    assert probed(seedwise_of(tmp_path, trials, world), "guessed", 64).empty

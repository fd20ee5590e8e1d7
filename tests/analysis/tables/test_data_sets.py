"""One study on several data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.tables.data_sets import across_data_sets
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size

UPDATES = {"batch_size": [64, 256, 512]}


def updates(root: Path, **levels: list[int]) -> Run:
    def loss(config: TrialConfig, seed: int) -> float:
        return 10 * seed + config.batch_size / 1024

    sizes = levels or UPDATES
    trials = crossed(sizes, norm_batch_size=32, rates=(0.1, 0.2))
    return run_of(root, trials, World(test=loss), scientific=sizes, name="updates")


def on(data: str, scale: float, root: Path) -> Run:
    """Loss `scale` at 64 and a tenth more or less of it elsewhere, the same for every seed."""
    share = {8: 1.1, 16: 0.9, 64: 1.0}
    world = World(test=lambda config, seed: scale * share[size(config)])
    levels = {"norm_batch_size": list(share)}
    data_set = DatasetConfig(name=data, fingerprint=data)
    return run_of(root, crossed(levels, dataset=data_set), world, scientific=levels)


def test_data_sets_count_by_their_own_scale(tmp_path: Path) -> None:
    runs = [on("digits", 0.1, tmp_path / "a"), on("wine", 7.0, tmp_path / "b")]
    table = across_data_sets([compared(run) for run in runs])
    table = table[table["quantity"] == "test_loss"].set_index("level")
    assert table["mean"].to_dict() == pytest.approx({8.0: 0.1, 16.0: -0.1})
    assert set(table["units"]) == {12} and set(table["data_sets"]) == {2}
    assert table["low"].to_numpy() == pytest.approx(table["mean"].to_numpy())


def test_one_data_set_twice_is_one(tmp_path: Path) -> None:
    runs = [on("digits", 0.1, tmp_path / "a"), on("digits", 0.2, tmp_path / "b")]
    assert across_data_sets([compared(run) for run in runs]).empty
    assert across_data_sets([compared(runs[0]), compared(updates(tmp_path / "c"))]).empty

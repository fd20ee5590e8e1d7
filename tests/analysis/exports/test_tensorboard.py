"""TensorBoard itself reads the event files."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import pytest

from caviar.analysis.exports.series import networks
from caviar.analysis.exports.tensorboard import write_tensorboard
from tests.analysis.synthetic import World, run_of, trial

pytest.importorskip("tensorboardX", reason="the extra `export` is not installed")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Those of its own imports.
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed",
    )


def test_every_point_comes_back_and_settings_are_there(tmp_path: Path) -> None:
    def sometimes(config: object, seed: int) -> float:
        return math.nan if seed == 1 else 0.25

    run = run_of(tmp_path / "run", [trial(norm="layer", seeds=[0, 1])], World(test=sometimes))
    assert write_tensorboard(run, tmp_path / "board") == 2
    for network in networks(run):
        folder = tmp_path / "board" / network.trial_id / f"seed-{network.seed}"
        events = event_accumulator.EventAccumulator(str(folder))
        events.Reload()
        tags = events.Tags()
        assert set(tags["scalars"]) >= {point.series for point in network.points}
        for name in ("training/loss", "test/loss/population"):
            expected = [point for point in network.points if point.series == name]
            read = events.Scalars(name)
            assert [one.step for one in read] == [point.step for point in expected]
            values = [point.value for point in expected]
            assert [one.value for one in read] == pytest.approx(values, nan_ok=True)
        (text,) = events.Tensors("config/text_summary")
        shown = text.tensor_proto.string_val[0].decode().strip("`\n")
        assert json.loads(shown) == network.settings

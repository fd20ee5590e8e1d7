"""An error of running averages is priced at the last step, against population statistics."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from studies.threshold import costs, table


def invented() -> Any:
    """Two seeds, layers and averages; what is not the last step of the test split is absurd."""
    evaluations, statistics = [], []
    for seed in (0, 1):
        training = {"trial_id": "a", "seed": seed}
        for step, off in ((1, 100.0), (9, 0.0)):
            for layer, part in (("norm1", 0.5), ("norm2", 1.5)):
                for tracker, divergence in (("near", 0.001), ("far", 0.008)):
                    row = {"step": step, "layer": layer, "tracker": tracker}
                    statistics.append({**training, **row, "divergence": part * divergence + off})
            for name, tracker, loss in (
                ("population", "", 1.0 + seed),
                ("running", "near", 1.002 + seed),
                ("running", "far", 1.02 + 0.01 * seed + seed),
                ("batch", "", 50.0),
            ):
                row = {"step": step, "statistics": name, "tracker": tracker, "loss": loss + off}
                evaluations += [{**training, **row, "split": split} for split in ("test", "train")]
    frame = pd.DataFrame(evaluations)
    frame.loc[frame["split"] == "train", "loss"] = 7.0
    return SimpleNamespace(statistics=pd.DataFrame(statistics), evaluations=frame)


def test_costs_by_class_of_divergence() -> None:
    rows = costs(invented())
    assert len(rows) == 4
    near = rows[rows["tracker"] == "near"]
    assert near["divergence"].tolist() == pytest.approx([0.001, 0.001])
    assert near["cost"].tolist() == pytest.approx([0.002, 0.002])
    counted = table(rows)
    assert counted["count"].tolist() == [2, 2]
    assert counted["mean"].tolist() == pytest.approx([0.002, 0.025])
    assert counted["max"].tolist() == pytest.approx([0.002, 0.03])

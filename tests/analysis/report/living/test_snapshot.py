"""What a living page shows: a line per value, each the median over its trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.report.living import snapshot as module
from caviar.analysis.report.living.followed import followed, further
from caviar.analysis.report.living.snapshot import snapshot
from caviar.analysis.run.stored.location import place_at
from tests.analysis.synthetic import World, crossed, size, write_run

LEVELS = {"norm_batch_size": [8, 64]}
WORLD = World(validation=lambda config, seed: size(config) + 100 * config.learning_rate)


def shown(root: Path, **changed: Any) -> dict[str, Any]:
    state = {"run": str(root), "running_trials": [], **changed}
    return snapshot(state, followed(further(place_at(root), {})))


def test_a_line_is_the_median_over_trials_of_medians_over_seeds(tmp_path: Path) -> None:
    write_run(tmp_path, crossed(LEVELS, rates=(0.1, 0.2, 0.6)), WORLD, scientific=LEVELS)
    groups = shown(tmp_path)["groups"]
    assert list(groups) == ["norm_batch_size", "learning_rate", "draw"]
    names = [(name, validation[1][-1]) for name, _, _, validation in groups["norm_batch_size"]]
    assert names == [("8", 28.0), ("64", 84.0)]
    assert [name for name, *_ in groups["learning_rate"]] == ["0.1", "0.2", "0.6"]


def test_trials_that_run_come_before_those_that_wait(tmp_path: Path) -> None:
    trials = crossed({"norm_batch_size": [8, 16, 64]})
    ends = {8: None, 16: None, 64: "completed"}
    write_run(tmp_path, trials, WORLD, status=lambda config: ends[size(config)])
    running = trials[1].trial_id
    listed = shown(tmp_path, running_trials=[running])["explorer"]["trials"]
    assert [(trial[0], trial[1]) for trial in listed] == [
        (running, "running"),
        (trials[2].trial_id, "completed"),
        (trials[0].trial_id, "not yet tried"),
    ]


def test_one_line_where_nothing_differs(tmp_path: Path) -> None:
    write_run(tmp_path, crossed({"norm_batch_size": [8]}), WORLD)
    (line,) = shown(tmp_path)["groups"][""]
    assert line[0] == "every trial" and line[3][1][-1] == 18.0


def test_of_many_trials_the_first_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TRIALS", 2)
    write_run(tmp_path, crossed({"norm_batch_size": [8, 16, 64]}), WORLD)
    explorer = shown(tmp_path)["explorer"]
    assert (len(explorer["trials"]), explorer["total"]) == (2, 3)


def test_trials_at_other_steps_share_stretches(tmp_path: Path) -> None:
    """Medians do not jump between trials that are measured at different updates."""
    index = [("a", s) for s in range(1, 400, 2)] + [("b", s) for s in range(2, 401, 2)]
    values = [1.0] * 200 + [3.0] * 200
    names = pd.MultiIndex.from_tuples(index, names=["trial_id", "step"])
    steps, middle = module._median(pd.Series(values, index=names))
    assert steps[-1] == 400 and np.all(np.diff(steps) > 5)
    assert set(middle[1:]) == {2.0}


def test_a_run_without_a_plan_has_no_table(tmp_path: Path) -> None:
    nothing = followed(further(place_at(tmp_path), {}))
    assert snapshot({"state": "running"}, nothing) == {
        "state": "running",
        "groups": {},
        "explorer": None,
    }

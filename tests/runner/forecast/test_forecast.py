"""The forecast of a plan, in words and as data."""

from __future__ import annotations

import itertools

import pytest

from caviar.runner.forecast import forecast as source
from caviar.runner.forecast.forecast import facts, forecast, lines
from caviar.runner.forecast.place import Outlook
from caviar.runner.trial.kernels import TrainingPath
from tests.runner.helpers import TINY, plan_of

PLAN = plan_of(*TINY)
PLACE = Outlook("runs/x", 0, 0, 4, "", 5_000_000)


def test_every_part_is_said_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    told = forecast(PLAN, 2, TrainingPath.numpy, lambda: float(next(ticks)))
    rows, disk, memory, time, out = lines(PLAN, told, PLACE)
    assert rows.startswith(f"rows: {sum(told.rows.values()):,} in all: trials 4, curves 24, ")
    assert disk.startswith("disk: about ") and "per worker, within a factor of two" in memory
    assert " for all trials with 2 workers: an estimate" in time and "?" not in time
    assert out == "out: runs/x holds no finished trial yet; 5 MB are free on its disk"
    data = facts(told, PLACE)
    assert data["rows"] == told.rows and data["out"]["left"] == 4
    memory_told = data["memory_per_worker"]
    parts = [size for name, size in memory_told.items() if name != "bytes"]
    assert sum(parts) == pytest.approx(memory_told["bytes"], abs=4)
    assert data["seconds"] == round(told.seconds or 0, 1) > 0

    monkeypatch.setattr(source, "_memory_of_this_machine", lambda: 1e6)
    told = forecast(PLAN, 2, TrainingPath.numpy, lambda: float(next(ticks)))
    assert told.seconds is None and facts(told, PLACE)["seconds"] is None
    assert "time: not measured, since a trial needs more memory" in lines(PLAN, told, PLACE)[3]

"""What runs cost: all their trials, what is left of a run that began, and what is left of all."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.session.run_folder import open_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from studies.scorecard_cost import costs
from tests.runner.helpers import TINY, jobs_of, nothing, plan_of


def test_every_run_and_what_is_left_of_all_have_a_line(tmp_path: Path) -> None:
    """Under a clock that goes on by ten seconds at each look, so that no machine's speed counts."""
    plan = plan_of(*TINY)
    storage = storage_at(str(tmp_path / "b"))
    open_run(storage, plan, "a test")
    sink = ParquetSink(storage)
    run_study(jobs_of(plan)[:3], InlineExecutor(plan.data), sink, nothing)
    sink.close()
    ticks = count(0.0, 10.0)
    a, b, both = costs([("a", plan), ("b", plan)], tmp_path, lambda: next(ticks))
    whole = re.fullmatch(r"a: 4 trials, about (\d+) min of one core, 0\.\d MB", a)
    begun = re.fullmatch(
        r"b: 4 trials, about (\d+) min of one core, 0\.\d MB; 1 left, (\d+) min", b
    )
    rest = re.fullmatch(
        r"2 runs: 5 trials left, about (\d+) min of one core, on two cores .* h", both
    )
    assert whole is not None and begun is not None and rest is not None
    assert 0 < int(begun[2]) < int(begun[1])
    assert abs(int(rest[1]) - int(whole[1]) - int(begun[2])) <= 1

"""A plan is carried out with the trial function and the pace that are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.data.splits import Data
from caviar.runner.executors.choice import Where
from caviar.runner.session.pace import Pace
from caviar.runner.session.run_log import read_log
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.trial.events import Event, Job
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import TINY, parts, plan_of


@pytest.mark.parametrize(("seconds", "written"), [(0.0, [1, 2, 3, 4]), (1e9, [0, 0, 0, 0])])
def test_trials_are_run_and_their_rows_written_at_the_pace(
    seconds: float, written: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, plan = tmp_path / "run", plan_of(*TINY)
    jobs: list[Job] = []
    files: list[int] = []

    def watched(job: Job, data: Data) -> Iterator[Event]:
        jobs.append(job)
        yield from run_trial(job, data)
        files.append(len(parts(root, "outcomes")))

    pace = Pace(checkpoint_seconds=seconds, checkpoints_per_second=1e12, rows_seconds=seconds)
    progress = carried_out(plan, str(root), Where.inline, None, None, trial=watched, pace=pace)
    assert (progress.done, files) == (4, written)
    assert {job.trial_id for job in jobs} == {trial.trial_id for trial in plan.trials}
    assert {job.checkpoint_seconds for job in jobs} == {max(seconds, 1e-12)}
    assert capsys.readouterr().out.splitlines()[-1] == f"rows: {root}"
    assert len(parts(root, "outcomes")) == max(1, written[-1])


def test_verbose_tells_each_event_of_the_log_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(*TINY, trials=2)
    for verbose in (True, False):
        root = tmp_path / str(verbose)
        carried_out(plan, str(root), Where.local, 1, None, verbose=verbose)
        told = [line.split()[1] for line in capsys.readouterr().err.splitlines()]
        logged = [line["event"] for line in read_log(LocalFolder(root))]
        assert logged == ["begin", "worker", *("start", "end") * 2, "finished"]
        assert told == (logged if verbose else [])

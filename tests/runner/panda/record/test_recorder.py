"""The recorder: the twin's rows where any run has them, all others under `lineages`."""

from __future__ import annotations

from pathlib import Path

from caviar.runner.panda.record.recorder import Recorder
from caviar.runner.panda.tree import Tree
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.kernels import TrainingPath
from tests.runner.panda.live import stored
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def recorded(root: Path, steps: int) -> tuple[Recorder, Driven]:
    """A panda that was trained so far, with one change, and kept."""
    panda, storage = Driven(PLAN), LocalFolder(root)
    recorder = Recorder(storage, PLAN.trials[0].trial_id)
    ParquetSink(storage).plan(PLAN.trials)
    panda.ask("set momentum=0.5 --at 30")
    recorder.journal(panda.rows, panda.worker.tree.lineages[1:])
    panda.ask("snapshot a --at 35")
    recorder.journal(panda.rows[1:], ())
    panda.ask(f"pause --at {steps}" if steps < 120 else "finish")
    panda.rest()
    panda.events += panda.worker._kept()
    for event in panda.events:
        recorder.take(event)
    recorder.flush()
    return recorder, panda


def test_each_table_lies_where_it_belongs(tmp_path: Path) -> None:
    _, panda = recorded(tmp_path, 120)
    for lineage in panda.worker.tree.lineages:
        rows, status = stored(tmp_path, lineage.trial_id, lineage.number > 0)
        assert (rows, status) == (panda.rows_of(lineage.trial_id), "completed")
    child = panda.worker.tree.lineages[1].trial_id
    assert [p.name for p in (tmp_path / "lineages/states").iterdir()] == [f"{child}.npz"]
    assert [p.name for p in (tmp_path / "snapshots").iterdir()] == ["a.npz"]


def test_a_worker_goes_on_from_checkpoints(tmp_path: Path) -> None:
    recorder, panda = recorded(tmp_path, 60)
    opening = recorder.opening(panda.worker.tree, TrainingPath.numpy, 10.0)
    assert {number: job.attempt for number, job in opening.jobs.items()} == {0: 1, 1: 1}
    assert all(job.checkpoint is not None for job in opening.jobs.values())
    assert opening.births.keys() == {1} and opening.snapshots.keys() == {"a"}
    assert opening.interventions == tuple(panda.rows[:2])
    assert opening.read[1] == frozenset(r.step for r in panda.readings_of(1))
    recorder.forget_states()
    opening = recorder.opening(panda.worker.tree, TrainingPath.numpy, 10.0)
    assert all(job.checkpoint is None for job in opening.jobs.values())
    assert not opening.births and not opening.snapshots


def test_a_lineage_that_was_journalled_before_a_kill_is_planned(tmp_path: Path) -> None:
    recorder, panda = recorded(tmp_path, 60)
    panda.ask("set decay=0.95")
    recorder.journal(panda.rows[-1:], ())  # The kill came before its plan.
    tree = Tree.of(PLAN.trials[0], panda.rows)
    opening = recorder.opening(tree, TrainingPath.numpy, 10.0)
    assert opening.jobs[2].attempt == 0
    part = sorted((tmp_path / "lineages/trials").iterdir())[-1]
    from caviar.runner.store.part_files import read_rows

    assert part.exists()
    assert read_rows(recorder.lineages, "trials", ["trial_id"])["trial_id"] == [
        lineage.trial_id for lineage in tree.lineages[1:]
    ]

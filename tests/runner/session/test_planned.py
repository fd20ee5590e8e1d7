"""Which trials a run must have, and which it has, under one or several identities."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from caviar.runner.config import TrialConfig
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.session.planned import attempts_so_far, settled_trials
from caviar.runner.session.run_folder import open_run, remaining, unplanned
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Block, Job, Outcome
from caviar.runner.verify.recompute import check_bits
from caviar.runner.verify.run import verify_run
from tests.runner.helpers import jobs_of, nothing, plan_of, tiny

DRAWN = (
    "arms={ s = { optimizer = 'sgd' }, m = {} }",
    "nuisance={ momentum = { scale = 'uniform', low = 0.5, high = 0.8 } }",
    "norm_batch_size=16",
)


def planned(draws: int) -> Plan:
    return plan_of(*tiny(*DRAWN, f"draws.count={draws}"))


PLAN = planned(3)
"""Four trials: one of sgd, and momentum at three draws."""

BEFORE = tuple(PLAN.bench.given(position) for position in PLAN.layout)
"""Six trials: sgd at every draw, with the draw's momentum, which sgd does not read."""


def began(root: Path, settled: tuple[TrialConfig, ...]) -> Storage:
    """An older run in which these trials are done."""
    storage = storage_at(root)
    open_run(storage, PLAN, "caviar run")
    with closing(ParquetSink(storage)) as sink:
        sink.plan(BEFORE)
        jobs = [Job(trial, trial.trial_id, 0) for trial in settled]
        run_study(jobs, InlineExecutor(PLAN.data), sink, nothing)
    return storage


def resume(storage: Storage, plan: Plan) -> list[str]:
    """Run the unfinished trials, and return their ids."""
    open_run(storage, plan, "caviar run")
    with closing(ParquetSink(storage)) as sink:
        sink.plan(unplanned(storage, plan))
        jobs = remaining(storage, plan)
        run_study(jobs, InlineExecutor(plan.data), sink, nothing)
    return sorted(job.trial_id for job in jobs)


def whole(storage: Storage) -> bool:
    findings = verify_run(storage)
    check_bits(storage, findings)
    return not findings.faults


def test_a_run_of_before_has_nothing_left_to_do(tmp_path: Path) -> None:
    storage = began(tmp_path, BEFORE)
    assert len(BEFORE) == 6 and len(PLAN.trials) == 4
    assert (list(unplanned(storage, PLAN)), remaining(storage, PLAN)) == ([], [])
    assert whole(storage)


@pytest.mark.parametrize("done", [0, 1, 4])
def test_a_run_of_before_finishes_what_it_planned(done: int, tmp_path: Path) -> None:
    storage = began(tmp_path, BEFORE[:done])
    assert resume(storage, PLAN) == sorted(trial.trial_id for trial in BEFORE[done:])
    assert whole(storage)


def test_a_run_of_before_grows_by_what_is_new(tmp_path: Path) -> None:
    storage = began(tmp_path, BEFORE)
    more = planned(5)
    new = [trial for trial in more.trials if trial.draw > 2]
    assert [trial.optimizer for trial in new] == ["momentum"] * 2
    assert resume(storage, more) == sorted(trial.trial_id for trial in new)
    assert resume(storage, more) == [] and whole(storage)


def test_a_run_of_today_holds_every_training_once(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    assert resume(storage, PLAN) == sorted(job.trial_id for job in jobs_of(PLAN))
    assert resume(storage, PLAN) == [] and whole(storage)


def test_the_last_attempt_is_that_of_any_table(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    assert attempts_so_far(storage) == {} and settled_trials(storage) == set()
    sink = ParquetSink(storage)
    sink.commit(Outcome("a", 0, "failed"))
    sink.commit(Outcome("a", 2, "completed"))
    sink.commit(Outcome("b", 1, "lost"))
    columns = {
        name: [1.0]
        for name in (
            *("epoch", "learning_rate", "loss", "gradient_norm", "weight_norm"),
            "effective_learning_rate",
        )
    }
    sink.write(Block("b", 4, "curves", {"seed": [0], "step": [1], **columns}))
    sink.close()
    assert attempts_so_far(storage) == {"a": 2, "b": 4}
    assert settled_trials(storage) == {"a"}

"""Ray: the same bits on actors, whatever happens to them, and from jobs on a running cluster."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest
import ray
from ray.cluster_utils import Cluster

from caviar.runner.errors import RequestError
from caviar.runner.executors.batches import JobQueue
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import Progress, run_study
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import MemorySink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Event
from caviar.runner.trial.run_trial import run_trial
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.runner import workers
from tests.runner.clusters import busy_actors, descendants
from tests.runner.helpers import (
    TINY,
    ended_well,
    eventually,
    jobs_of,
    nothing,
    plan_of,
    rows_of,
    settings_of,
    started,
    tables,
)
from tests.runner.session.test_interrupt import STUDY, all_gone

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[3]
SMALL = (*settings_of(TINY), "--no-report", "--on", "ray", "--workers", "2")

HALF_DONE = """
from functools import partial
from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from tests.runner.workers import large_ghosts_hold
main(partial(carried_out, trial=large_ghosts_hold))
"""
"""The program, with actors that never finish half of the trials."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for the token that Ray writes, which would disturb other clusters."""
    return tmp_path_factory.mktemp("home")


def read_by_ray_or_blas() -> dict[str, str]:
    """The variables that Ray or the BLAS read."""
    kept = ("HOME", *ONE_BLAS_THREAD)
    return {k: v for k, v in os.environ.items() if k in kept or k.startswith("RAY_")}


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(home))
    before = read_by_ray_or_blas()
    yield
    assert read_by_ray_or_blas() == before


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*TINY)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables that this process makes."""
    folder = tmp_path_factory.mktemp("local")
    ended_well(
        "run", *settings_of(TINY), "--on", "inline", "--no-report", "--out", "run", cwd=folder
    )
    return tables(folder / "run")


@pytest.fixture(scope="module")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The rows of the longer study, in which drivers are stopped."""
    folder = tmp_path_factory.mktemp("whole")
    ended_well("run", *STUDY, "--no-report", "--on", "inline", "--out", "run", cwd=folder)
    return rows_that_count(folder / "run")


def run_on(
    executor: RayExecutor, plan: Plan, observe: Callable[[Progress, Event], None] = nothing
) -> tuple[Progress, MemorySink]:
    sink = MemorySink()
    try:
        return run_study(jobs_of(plan), executor, sink, observe), sink
    finally:
        executor.close()


def test_a_variable_names_a_cluster_that_computes_the_same_bits(
    ray_machines: Cluster, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("RAY_ADDRESS", ray_machines.address)
        executor = RayExecutor(plan.data, None, None)
        address = ray.get_runtime_context().gcs_address
        _, sink = run_on(executor, plan)
    assert address == ray_machines.address
    expected = chain.from_iterable(run_trial(job, plan.data) for job in jobs_of(plan))
    assert rows_of(sink.blocks) == rows_of(expected)


def test_checkpoints_become_rarer_as_workers_join(plan: Plan) -> None:
    executor = RayExecutor.__new__(RayExecutor)  # Without a cluster.
    executor._queue = JobQueue()
    for executor._follows, executor.workers, seconds in (
        (True, 10, 10.0),
        (True, 1000, 500.0),
        (False, 1000, 10.0),
    ):
        executor._queue.submit(jobs_of(plan)[0])
        (job,) = executor._taken()
        assert job.checkpoint_seconds == seconds


def test_a_trial_whose_actor_always_dies_fails_and_the_others_complete(
    ray_machines: Cluster,
) -> None:
    pair = plan_of(*TINY, "draws.count=1")
    executor = RayExecutor(pair.data, 1, ray_machines.address, workers.dies_at_small_ghosts)
    progress, sink = run_on(executor, pair)
    status = {outcome.trial_id: (outcome.status, outcome.attempt) for outcome in sink.outcomes}
    assert status == {
        config.trial_id: ("failed", 2) if config.norm_batch_size == 4 else ("completed", 0)
        for config in pair.trials
    }
    assert {outcome.host for outcome in sink.outcomes} == {platform.node()}
    assert (progress.failed, progress.retries) == (1, 2)


def test_actors_that_die_at_birth_do_not_end_the_run(ray_machines: Cluster) -> None:
    one = plan_of(*TINY, "draws.count=1", "norm_batch_size=[4]")
    poisoned = workers.poisoned(one.data)
    executor = RayExecutor(poisoned, 1, ray_machines.address, workers.never_ends)
    assert run_on(executor, one)[0].failed == 1


@pytest.mark.faults("the driver of actors is stopped or killed (SIGINT, SIGTERM, SIGKILL)")
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        # Ray's own processes take a minute to notice that the driver is gone.
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_a_driver_that_is_stopped_leaves_no_process_and_resumes(
    number: signal.Signals, whole_study: Rows, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    words = ["run", *STUDY, "--no-report", "--on", "ray", "--workers", "2", "--out", str(root)]
    process = subprocess.Popen(
        [sys.executable, "-c", HALF_DONE, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert eventually(lambda: bool(busy_actors(process.pid)))
    started = descendants(process.pid)
    process.send_signal(number)
    output, complaints = process.communicate(timeout=120)
    assert all_gone(started)
    fault.inject()
    if number != signal.SIGKILL:
        assert (process.returncode, complaints) == (130, "")
        assert "the same command resumes" in output
    before = rows_that_count(root)
    with fault.recovering():
        ended_well("run", *STUDY, "--no-report", "--on", "inline", "--out", root, cwd=tmp_path)
    assert not verify_run(storage_at(root)).faults
    fault.ended(before, whole_study, rows_that_count(root))


def test_an_address_where_no_one_lives_is_refused(tmp_path: Path, plan: Plan) -> None:
    done = started("run", *SMALL, "--address", "127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 2
    assert "caviar: cannot use the Ray cluster at '127.0.0.1:1': " in done.stderr


def test_an_address_that_is_none_is_refused(plan: Plan) -> None:
    with pytest.raises(RequestError, match="cannot use the Ray cluster at 'no such'"):
        RayExecutor(plan.data, 1, "no such")

"""Ray: the same bits on actors, whatever happens to them, and from jobs on a running cluster."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.executor import RunTrial
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import Progress, run_study
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import MemorySink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Event
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.runner import workers
from tests.runner.clusters import JOBS, Head, busy_actors, descendants, started_head
from tests.runner.helpers import (
    TINY,
    command,
    ended_well,
    eventually,
    jobs_of,
    nothing,
    parts,
    plan_of,
    same_tables,
    settings_of,
    started,
    tables,
    well,
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

needs_jobs = pytest.mark.skipif(not JOBS, reason="jobs need ray[default], which is not installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for the token that Ray writes, which would disturb other clusters."""
    return tmp_path_factory.mktemp("home")


def environment() -> dict[str, str]:
    """The variables that Ray or the BLAS read."""
    kept = ("HOME", *ONE_BLAS_THREAD)
    return {k: v for k, v in os.environ.items() if k in kept or k.startswith("RAY_")}


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(home))
    before = environment()
    yield
    assert environment() == before


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*TINY)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables that local workers make."""
    folder = tmp_path_factory.mktemp("local")
    ended_well("run", *settings_of(TINY), "--no-report", "--out", "run", cwd=folder)
    return tables(folder / "run")


@pytest.fixture(scope="module")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The rows of the longer study, in which drivers are stopped."""
    folder = tmp_path_factory.mktemp("whole")
    ended_well("run", *STUDY, "--no-report", "--out", "run", cwd=folder)
    return rows_that_count(folder / "run")


def run_on_ray(
    plan: Plan, run: RunTrial, observe: Callable[[Progress, Event], None] = nothing
) -> tuple[Progress, MemorySink]:
    sink = MemorySink()
    executor = RayExecutor(plan.data, 2, None, run)
    try:
        return run_study(jobs_of(plan), executor, sink, observe), sink
    finally:
        executor.close()


def test_without_a_cluster_one_is_started_and_stopped(
    expected: dict[str, pd.DataFrame], home: Path, tmp_path: Path
) -> None:
    output = well(started("run", *SMALL, "--out", "run", cwd=tmp_path))
    assert "4/4 trials · 0 running · 0 failed · 0 diverged · 656 rows" in output
    same_tables(tables(tmp_path / "run"), expected)
    ended_well("verify", "run", cwd=tmp_path)


def test_a_trial_whose_actor_always_dies_fails_and_the_others_complete(plan: Plan) -> None:
    progress, sink = run_on_ray(plan, workers.dies_at_small_ghosts)
    status = {outcome.trial_id: (outcome.status, outcome.attempt) for outcome in sink.outcomes}
    assert status == {
        config.trial_id: ("failed", 2) if config.norm_batch_size == 4 else ("completed", 0)
        for config in plan.trials
    }
    assert {outcome.host for outcome in sink.outcomes} == {platform.node()}
    assert (progress.failed, progress.retries) == (2, 4)


def test_actors_that_die_at_birth_do_not_end_the_run() -> None:
    one = plan_of(*TINY, "draws.count=1", "norm_batch_size=[4]")
    poisoned = replace(one, data=workers.poisoned(one.data))
    assert run_on_ray(poisoned, workers.says_its_process)[0].failed == 1


def test_an_actor_has_one_blas_thread_and_the_driver_keeps_its_own(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for name in ONE_BLAS_THREAD:
            patch.setenv(name, "2")
        before = environment()
        _, sink = run_on_ray(plan, workers.says_its_threads)
        assert environment() == before
    assert {outcome.error for outcome in sink.outcomes} == {"[1]"}


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
        ended_well("run", *STUDY, "--no-report", "--out", root, cwd=tmp_path)
    assert not verify_run(storage_at(root)).faults
    fault.ended(before, whole_study, rows_that_count(root))


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    with started_head(tmp_path_factory.mktemp("head")) as started:
        yield started


def test_a_cluster_that_exists_is_used(
    head: Head, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    for name, way in (("option", ["--address", head.address]), ("variable", [])):
        named = {} if way else {"RAY_ADDRESS": head.address}
        environment = {**head.environment, **named}
        well(started("run", *SMALL, *way, "--out", name, cwd=tmp_path, **environment))
        same_tables(tables(tmp_path / name), expected)


def test_a_cluster_that_exists_is_left_as_it_was_found(head: Head, tmp_path: Path) -> None:
    before, files = head.state(), head.files()
    assert before.startswith("(2.0, 2.0) [] {}")
    words = [*SMALL, "--address", head.address, "--out", "run"]
    well(started("run", *words, cwd=tmp_path, **head.environment))
    assert eventually(lambda: head.state() == before)
    assert head.files() == files
    assert not (Path(head.environment["HOME"]) / ".ray").exists()


def submitted(head: Head, folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A job whose files are the packages, with the links to them, as a user ships a clone."""
    for package in ("caviar", "model", "runner", "analysis"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, symlinks=True, ignore=ignore)
    ray = Path(sys.executable).with_name("ray")
    submit = [ray, "job", "submit", "--address", head.jobs, "--working-dir", ".", "--"]
    return subprocess.run(
        [*map(str, submit), *command(*words)],
        cwd=folder,
        env={**os.environ, **head.environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@needs_jobs
def test_a_job_writes_where_it_is_told(
    head: Head, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    done = submitted(head, tmp_path / "files", "run", *SMALL, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4/4 trials" in done.stdout
    same_tables(tables(tmp_path / "run"), expected)


@needs_jobs
def test_a_job_with_a_wrong_study_fails_with_the_sentence(head: Head, tmp_path: Path) -> None:
    done = submitted(head, tmp_path, "run", *SMALL, "--set", "hidden=8")
    assert done.returncode != 0
    assert "caviar: hidden: must be a list; got 8" in done.stdout
    assert "failed with exit code 2" in done.stdout + done.stderr
    assert not parts(tmp_path / "runs" / "quickstart", "trials")


def test_an_address_where_no_one_lives_is_refused(tmp_path: Path, plan: Plan) -> None:
    done = started("run", *SMALL, "--address", "127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 2
    assert "caviar: cannot use the Ray cluster at '127.0.0.1:1': " in done.stderr


def test_an_address_that_is_none_is_refused(plan: Plan) -> None:
    with pytest.raises(RequestError, match="cannot use the Ray cluster at 'no such'"):
        RayExecutor(plan.data, 1, "no such")

"""Machines and processes of Ray die by real signals, memory runs out, and Ray keeps quiet."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from caviar.runner.executors.blas_threads import environment
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import NEVER_RAN
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_columns
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Idle, WorkerDied
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.runner import workers
from tests.runner.clusters import busy_actors, joined_machine
from tests.runner.executors.test_ray_actors import at_home, home, plan
from tests.runner.helpers import (
    DIGITS,
    ended_well,
    eventually,
    jobs_of,
    settings_of,
    started,
    well,
)

__all__ = ["at_home", "home", "plan"]  # Fixtures.

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]

STUDY = settings_of(DIGITS)

PROGRAM = """
from functools import partial
from pathlib import Path
from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.session import loop
from tests.runner import workers
loop.NEVER_RAN = {never_ran}
main(partial(carried_out, trial={run}))
"""
"""The program, with actors that run something other than a trial."""

LINES = (
    r"\d+/\d+ trials · ",
    r"reading the quickstart and its data$",
    r"rows: ",
    r"data, [a-z ]+: ",
    r"evaluations: all trials measure losses at ",
    r"\d+ trials to run: starting workers",
    r"trial [0-9a-f]{12}: the Ray actor died: process \d+ on [\d.]+: it ended unexpectedly$",
    r"trial [0-9a-f]{12}: the machine [\d.]+ is lost or out of reach: ",
)
"""Everything that a run with a death in it may print."""

NO_MEMORY = r"no memory was left on [\d.]+ \(\S+GB of \S+GB used\); lower --workers"


RUN = ("run", *STUDY, "--no-report", "--on", "ray", "--workers", "2", "--out")
ONE_WORKER = ("--workers", "1")
"""Each worker on a cluster of the driver's own is one more Python that starts."""


def program(run: str, *words: str | Path, never_ran: int = NEVER_RAN) -> list[str]:
    text = PROGRAM.format(run=run, never_ran=never_ran)
    return [sys.executable, "-c", text, *map(str, words)]


@dataclass(frozen=True)
class Held:
    """A driver whose trials wait after their first rows until they are released."""

    process: subprocess.Popen[str]
    out: Path
    release: Path

    def printed(self) -> str:
        return self.out.read_text(encoding="utf-8")

    def ends_quietly(self, expected: str) -> None:
        """Release the trials once the driver has printed the text, and wait for its end."""
        assert eventually(lambda: expected in self.printed() or self.process.poll() is not None)
        assert expected in self.printed()
        self.release.touch()
        _, complaints = self.process.communicate(timeout=300)
        assert (self.process.returncode, complaints) == (0, "")
        lines = self.printed().splitlines()
        assert not [x for x in lines if not any(re.match(line, x) for line in LINES)]


@contextmanager
def driving(folder: Path, *words: str | Path) -> Iterator[Held]:
    release, out = folder / "release", folder / "stdout"
    run = f"partial(workers.holds_until, Path({str(release)!r}))"
    with out.open("w") as file:
        process = subprocess.Popen(
            program(run, *RUN, folder / "run", *words),
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        yield Held(process, out, release)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The rows that this process computes."""
    folder = tmp_path_factory.mktemp("local")
    ended_well("run", *STUDY, "--no-report", "--on", "inline", "--out", "run", cwd=folder)
    return rows_that_count(folder / "run")


def is_whole(root: Path, expected: Rows, fault: Fault) -> None:
    findings = verify_run(storage_at(root))
    assert not findings.faults, findings.lines
    fault.ended(Rows(), expected, rows_that_count(root))


@pytest.fixture
def ray_folders() -> Iterator[Path]:
    """A folder for the clusters of this test only."""
    # Short, because sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="r-", dir="/tmp") as folder:
        with environment({"RAY_TMPDIR": folder}):
            yield Path(folder)


@pytest.mark.faults("the process of a Ray actor is killed (SIGKILL)")
def test_a_killed_actor_is_all_that_is_said_and_nothing_is_left(
    expected: Rows, home: Path, ray_folders: Path, fault: Fault, tmp_path: Path
) -> None:
    with driving(tmp_path, *ONE_WORKER) as held:
        assert eventually(lambda: bool(busy_actors(held.process.pid)))
        assert list(ray_folders.iterdir())
        os.kill(busy_actors(held.process.pid)[0], signal.SIGKILL)
        fault.inject()
        with fault.recovering():
            held.ends_quietly("it ended unexpectedly")
    is_whole(tmp_path / "run", expected, fault)
    assert not (home / ".ray").exists()
    assert not list(ray_folders.iterdir())


@pytest.mark.faults("a raylet is killed (SIGKILL), and its machine with it")
def test_a_killed_raylet_costs_its_trials_an_attempt_and_no_bits(
    ray_machines: Cluster, expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    with (
        joined_machine(ray_machines) as raylet,
        driving(tmp_path, "--address", ray_machines.address) as held,
    ):
        assert eventually(lambda: bool(busy_actors(raylet)))
        os.kill(raylet, signal.SIGKILL)
        fault.inject()
        with fault.recovering():
            held.ends_quietly("is lost or out of reach")
    is_whole(tmp_path / "run", expected, fault)


MOST_EVENTS = 500
"""Four events in a second where nothing happens: a test that waits in vain fails, at last."""


def test_a_machine_that_joins_gets_trials_and_only_its_own_death_is_called_one(
    ray_machines: Cluster, plan: Plan
) -> None:
    """An actor that is killed, then the machine of another; the last words of both are told. The
    number of workers follows the machines."""
    deaths: list[WorkerDied] = []
    executor = RayExecutor(plan.data, None, ray_machines.address, workers.speaks_and_stays)
    sizes = [executor.workers]
    for job in jobs_of(plan)[:3]:
        executor.submit(job)
    try:
        with joined_machine(ray_machines) as raylet:
            for event in islice(executor.events(), MOST_EVENTS):
                if executor.workers != sizes[-1]:
                    sizes.append(executor.workers)
                if isinstance(event, WorkerDied):
                    deaths.append(event)
                if len(deaths) == 2 and executor.workers == 1:
                    break
                if isinstance(event, Idle) and (busy := busy_actors(raylet)):
                    os.kill(raylet if deaths else busy[0], signal.SIGKILL)
    finally:
        executor.close()
    assert sizes == [1, 2, 1]
    assert [death.machine_lost for death in deaths] == [False, True]
    assert deaths[0].reason.startswith("the Ray actor died: process ")
    assert deaths[1].reason.startswith("the machine ")
    for death in deaths:
        assert death.reason.endswith(f"; last words: in trial {death.job.trial_id}")


@pytest.mark.slow
@pytest.mark.faults("Ray's memory monitor kills every actor, three times per trial")
def test_trials_that_ray_kills_for_memory_fail_and_are_tried_again(
    expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    # Far below what any machine uses at rest. On a busy machine Ray kills some actors before they
    # take a trial: those deaths count for a trial too, but five in a row would end the run.
    full = {"RAY_memory_usage_threshold": "0.005", "RAY_memory_monitor_refresh_ms": "100"}
    words = program("workers.never_ends", *RUN, root, "--trials", "2", never_ran=100)
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **full}, timeout=300, check=False)
    assert done.returncode == 1
    outcomes = read_columns(
        storage_at(root), "outcomes", ["status", "attempt", "error"]
    ).to_pylist()
    assert [outcome["status"] for outcome in outcomes] == ["failed"] * 2
    assert all(re.search(NO_MEMORY, outcome["error"]) for outcome in outcomes)
    fault.inject(sum(outcome["attempt"] + 1 for outcome in outcomes))
    assert fault.injected == 3 * 2
    with fault.recovering():
        well(started(*RUN, root, cwd=tmp_path))
    is_whole(root, expected, fault)


@pytest.mark.slow  # Ray asks again for 20 s.
def test_a_local_cluster_refuses_strangers_who_are_told_why(plan: Plan, tmp_path: Path) -> None:
    executor = RayExecutor(plan.data, 1, None, workers.never_ends)
    try:
        address = ray.get_runtime_context().gcs_address
        words = ["run", *STUDY, "--on", "ray", "--address", address, "--out", "run"]
        for credentials in ({}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}):
            cleared = {"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN_PATH": ""}
            done = started(*words, cwd=tmp_path, **{**cleared, **credentials})
            assert done.returncode == 2
            assert "refuses the token, or asks for one: export RAY_AUTH_MODE" in done.stderr
    finally:
        executor.close()


@pytest.mark.slow  # Ray waits half a minute in vain.
def test_a_local_cluster_that_cannot_start_is_one_sentence_and_leaves_nothing(
    ray_folders: Path, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ["run", *STUDY, "--on", "ray", "--out", "run"]
        done = started(*words, cwd=tmp_path, RAY_GCS_SERVER_PORT=port)
    assert done.returncode == 2
    assert "caviar: cannot start a Ray cluster here: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(ray_folders.iterdir())


def test_last_words_of_an_actor_are_shown(ray_machines: Cluster, plan: Plan) -> None:
    executor = RayExecutor(plan.data, 1, ray_machines.address, workers.speaks_and_dies)
    try:
        executor.submit(jobs_of(plan)[0])
        died = next(event for event in executor.events() if isinstance(event, WorkerDied))
    finally:
        executor.close()
    assert died.reason.endswith("it ended unexpectedly; last words: one | two | three")

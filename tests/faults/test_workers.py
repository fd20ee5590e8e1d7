"""Local workers that are killed, crash or get no memory: all trials still complete."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from caviar.runner.session.loop import Progress
from caviar.runner.store.checkpoints import kept_trials, key_of
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.storage import read
from caviar.runner.study.plan import Plan
from caviar.runner.trial.checkpoint import Header, header
from caviar.runner.trial.events import Checkpoint, Event
from caviar.runner.verify.run import latest_outcomes, verify_run
from tests.faults import workers
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.faults.local import PAIR, Watched, kill_workers, session
from tests.runner.helpers import plan_of

HUNGRY = ("hidden=[3000, 3000]", "norm_batch_size=[64]")
"""A trial that needs 300 MB and more."""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*PAIR)


@pytest.fixture(scope="module")
def expected(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = tmp_path_factory.mktemp("whole") / "run"
    session(root, plan, workers=0)
    return rows_that_count(root)


def is_whole(root: Path, expected: Rows, fault: Fault, before: Rows | None = None) -> None:
    findings = verify_run(storage_at(root))
    assert not findings.faults, findings.lines
    fault.ended(before or Rows(), expected, rows_that_count(root))
    assert not kept_trials(LocalFolder(root))


def dies_after_checkpoints(
    root: Path, plan: Plan, number: signal.Signals, fault: Fault
) -> tuple[Watched, dict[str, Header]]:
    """Both workers get the signal once each trial has sent its third checkpoint."""
    watched, sent = Watched(fault), dict.fromkeys((c.trial_id for c in plan.trials), 0)
    headers: dict[str, Header] = {}

    def observe(progress: Progress, event: Event) -> None:
        watched(progress, event)
        if isinstance(event, Checkpoint) and event.attempt == 0:
            sent[event.trial_id] += 1
            if set(sent.values()) == {3}:
                fault.inject(kill_workers(number))
                for trial in sent:
                    headers[trial] = header(read(LocalFolder(root), key_of(trial)))

    progress = session(root, plan, workers.holds_after_a_checkpoint, observe)
    assert (progress.retries, progress.failed, progress.done) == (2, 0, 2)
    return watched, headers


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(n, marks=pytest.mark.faults(f"a local worker is killed ({n.name})"))
        for n in (signal.SIGKILL, signal.SIGSEGV)
    ],
)
def test_a_worker_that_dies_goes_on_from_its_checkpoint(
    number: signal.Signals, plan: Plan, expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    watched, headers = dies_after_checkpoints(root, plan, number, fault)
    is_whole(root, expected, fault)
    outcomes = latest_outcomes(storage_at(root))
    for trial, head in headers.items():
        (reason,) = watched.reasons[trial]
        assert reason.startswith(f"the worker process was killed by {number.name}")
        assert ("memory" in reason) == (number == signal.SIGKILL)
        # No row was computed again: rows before the death and rows after it are all.
        assert head.attempt == 0 and 0 < head.rows
        assert watched.rows[trial, 1] + head.rows == outcomes[trial]["rows"]
        assert watched.first_step[trial, 1] > head.step
    assert sum("resuming from checkpoints: " in note for note in watched.notes) == 2


@pytest.mark.faults("a trial kills its worker every time (SIGKILL)")
def test_a_trial_that_kills_three_workers_is_given_up(
    plan: Plan, expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    root, watched = tmp_path / "run", Watched(fault)
    progress = session(root, plan, workers.kills_itself_at_small_ghosts, watched)
    (bad,) = [c.trial_id for c in plan.trials if c.norm_batch_size == 8]
    fault.inject(len(watched.reasons[bad]))
    assert (fault.injected, progress.retries, progress.failed) == (3, 2, 1)
    assert progress.outcomes == {"completed": 1, "failed": 1}
    assert progress.failures
    assert progress.failures[0].host == platform.node()
    assert progress.failures[0].error == (
        "the worker process was killed by SIGKILL (perhaps out of memory; lower --workers or "
        "replicas), 3 times"
    )
    before = rows_that_count(root)
    with fault.recovering():
        again = session(root, plan, workers=0)
    assert (again.total, again.failed) == (1, 0)
    is_whole(root, expected, fault, before)


def with_a_hungry_trial(plan: Plan) -> Plan:
    hungry = plan_of(*PAIR, *HUNGRY, "budget={ steps = 2 }")
    return replace(plan, sample=(*plan.trials, *hungry.trials))


def the_others_complete(root: Path, plan: Plan, progress: Progress, expected: Rows) -> str:
    """The error of the hungry trial's outcome; checks that the others have their rows."""
    assert progress.outcomes == {"completed": 2, "failed": 1}
    rows = rows_that_count(root)
    trials = {row for row in rows - expected if row[0] == "trials"}
    assert not expected - rows and len(trials) == 1
    assert progress.failures
    return progress.failures[0].error


@pytest.mark.faults("a local worker gets no memory (RLIMIT_AS)")
def test_a_trial_without_memory_says_so(
    plan: Plan, expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    large = with_a_hungry_trial(plan)
    progress = session(tmp_path / "run", large, workers.has_little_address_space, workers=1)
    fault.inject()
    message = the_others_complete(tmp_path / "run", large, progress, expected)
    assert message.startswith("MemoryError: ")
    assert message.endswith("(not enough memory; lower --workers or replicas)")


@pytest.fixture
def cgroup(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A memory cgroup of 64 MiB, version 1 or 2, named in the workers' environment."""
    top = Path("/sys/fs/cgroup")
    one = (top / "memory").is_dir()
    folder = (top / "memory" if one else top) / f"caviar-test-{os.getpid()}"
    names = ("limit_in_bytes", "swappiness") if one else ("max", "swap.max")
    try:
        folder.mkdir()
        (folder / f"memory.{names[0]}").write_text(str(64 * 2**20))
        (folder / f"memory.{names[1]}").write_text("0")
    except OSError as error:
        if folder.is_dir():
            folder.rmdir()
        pytest.skip(f"needs a memory cgroup that it may make: {error}")
    monkeypatch.setenv(workers.CGROUP, str(folder))
    yield folder
    folder.rmdir()


@pytest.mark.faults("the kernel kills a local worker for want of memory")
def test_a_worker_that_the_kernel_kills_for_memory(
    plan: Plan, expected: Rows, cgroup: Path, fault: Fault, tmp_path: Path
) -> None:
    large, watched = with_a_hungry_trial(plan), Watched(fault)
    progress = session(tmp_path / "run", large, workers.enters_the_cgroup, watched)
    fault.inject(sum(map(len, watched.reasons.values())))
    message = the_others_complete(tmp_path / "run", large, progress, expected)
    assert "killed by SIGKILL (perhaps out of memory" in message and message.endswith("3 times")
    assert fault.injected == 3

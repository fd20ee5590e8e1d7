"""Two drivers at one place: the older one stops, even in the middle of a put; no row doubles."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from caviar.runner.errors import StorageError
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.execute import execute
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, rows_that_count
from tests.runner.driven import driving
from tests.runner.helpers import TINY, caviar, eventually, plan_of, same_tables, tables
from tests.runner.stores import Proxy, Request, drive, new_run, objects, uri_at


@pytest.fixture
def proxy(s3: int) -> Iterator[Proxy]:
    with closing(Proxy(s3)) as s3_proxy:
        yield s3_proxy


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("local") / "run"
    drive(storage_at(root), plan_of(*TINY))
    return root


@pytest.mark.faults("the last put of a driver arrives after another one took over its run")
@pytest.mark.parametrize("table", ["study.json", "trials/", "curves/", "outcomes/"])
def test_a_put_that_arrives_after_the_newer_driver_looked(
    table: str, proxy: Proxy, s3: int, local: Path, fault: Fault
) -> None:
    """The older driver looked, sent a put, and was taken over before that arrived."""

    def late(request: Request) -> str | None:
        return "late" if request.puts and f"/{table}" in request.key else None

    run = new_run()
    older, newer = storage_at(uri_at(proxy.port, run)), storage_at(uri_at(s3, run))
    proxy.fault = late
    reasons: list[str] = []
    plan = plan_of(*TINY)

    def begin() -> None:
        with pytest.raises(StorageError) as stopped:
            drive(older, plan, seconds=0.0)
        reasons.append(str(stopped.value))

    def workers(jobs: int) -> InlineExecutor:
        """When the newer driver starts them, it has looked at the run."""
        fault.inject()
        proxy.arrive.set()
        driver.join()
        return InlineExecutor(plan.data)

    driver = threading.Thread(target=begin)
    driver.start()
    assert proxy.received.wait(60)
    with fault.recovering():
        assert execute(plan, newer, workers, "newer", lambda: None).done == 4
    (reason,) = reasons
    assert "has taken over" in reason and "\n" not in reason
    findings = verify_run(newer)
    assert not findings.faults, findings.lines
    same_tables(tables(newer.where), tables(local))
    sessions = json.loads(objects(s3, run)["study.json"])["sessions"]
    assert sessions[-1]["command"] == "newer"
    fault.ended(rows_that_count(local), rows_that_count(local), rows_that_count(newer.where))


def until_workers_start(driver: subprocess.Popen[str]) -> None:
    """Until a driver has looked at the run, or has ended."""
    assert driver.stdout
    for line in driver.stdout:
        if "starting workers" in line:
            return


def ended(driver: subprocess.Popen[str]) -> tuple[int, str]:
    _, message = driver.communicate(timeout=300)
    return driver.returncode, message


def stopped_in_a_sentence(code: int, message: str) -> bool:
    """Whether a driver ended because of another one, and says so."""
    reasons = ("has taken over", "another caviar may have written there")
    return code == 1 and message.count("\n") == 1 and any(word in message for word in reasons)


@pytest.mark.slow
@pytest.mark.faults("a driver is frozen (SIGSTOP) and wakes after another one took over its run")
def test_a_driver_that_was_frozen_stops_when_it_wakes(
    s3: int, local: Path, tmp_path: Path, fault: Fault
) -> None:
    run, release = new_run(), tmp_path / "release"
    uri = uri_at(s3, run)
    held = f"partial(workers.holds_until, Path({str(release)!r}))"
    with driving(uri, held) as older:
        assert eventually(lambda: any("curves/" in key for key in objects(s3, run)))
        older.send_signal(signal.SIGSTOP)
        fault.inject()
        before = rows_that_count(uri)
        release.touch()
        with fault.recovering(), driving(uri, "None") as newer:
            assert ended(newer) == (0, "")
        older.send_signal(signal.SIGCONT)
        assert stopped_in_a_sentence(*ended(older))
    assert caviar("verify", uri, cwd=tmp_path).returncode == 0
    same_tables(tables(uri), tables(local))
    fault.ended(before, rows_that_count(local), rows_that_count(uri))


@pytest.mark.slow
def test_of_two_drivers_that_start_at_once_one_stops(s3: int, local: Path, tmp_path: Path) -> None:
    uri, release = uri_at(s3, new_run()), tmp_path / "release"
    held = f"partial(workers.holds_until, Path({str(release)!r}))"
    with driving(uri, held) as one, driving(uri, held) as other:
        for driver in (one, other):
            until_workers_start(driver)
        release.touch()
        ends = [ended(driver) for driver in (one, other)]
    assert ends.count((0, "")) == 1
    assert sum(stopped_in_a_sentence(*end) for end in ends) == 1
    assert caviar("verify", uri, cwd=tmp_path).returncode == 0
    same_tables(tables(uri), tables(local))

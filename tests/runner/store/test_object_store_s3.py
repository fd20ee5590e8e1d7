"""The program on a run in S3: a real server of the protocol, the commands, the messages."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from caviar.analysis.run.read import read_run
from caviar.analysis.run.stored.location import place_at, published
from caviar.runner.cli.main import main
from caviar.runner.session.loop import Progress
from caviar.runner.session.run_folder import open_run
from caviar.runner.session.run_log import RunLog
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from tests.faults.injections import Fault, rows_that_count
from tests.runner.driven import STUDY, driving
from tests.runner.helpers import (
    TINY,
    caviar,
    eventually,
    plan_of,
    same_tables,
    settings_of,
    tables,
)
from tests.runner.stores import Impatient, Proxy, Request, make_bucket, new_run, objects, uri_at

RUN = ("run", "--on", "inline", *settings_of(TINY))


class Said(NamedTuple):
    code: object
    out: str
    err: str


Say = Callable[..., Said]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """The program in this process."""

    def said(*words: str) -> Said:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["caviar", *words])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        return Said(code or 0, *capsys.readouterr())

    return said


def test_the_commands_take_a_uri(s3: int, say: Say, tmp_path: Path) -> None:
    uri = uri_at(s3, new_run())
    first = say(*RUN, "--out", uri, "--no-report")
    assert (first.code, first.err) == (0, "")
    assert first.out.endswith(f"rows: {uri}\n")
    again = say(*RUN, "--out", uri, "--no-report")
    assert again.code == 0 and f"resuming {uri}: 4 of 4 trials are done" in again.out
    assert "taking over" not in again.out
    local = say(*RUN, "--out", "runs/local", "--no-report")
    assert local.code == 0
    same_tables(tables(uri), tables(tmp_path / "runs" / "local"))

    assert "4 of 4 trials done" in say("status", uri).out
    assert say("verify", uri).code == 0
    trial = read_run(uri).trials["trial_id"].iloc[0]
    assert say("replay", uri, trial).code == 0
    compared = say("compare", uri, "runs/local")
    assert compared.code == 0 and "the same, bit for bit" in compared.out
    assert f"1: {uri}, " in compared.out


SECRETS = (b"sal%2Fmon", b"sal/mon", b"AKIAFISH")


def test_a_secret_in_a_uri_is_told_to_nobody(s3: int, say: Say) -> None:
    run = new_run()
    uri, shown = uri_at(s3, f"AKIAFISH:sal%2Fmon@{run}"), uri_at(s3, f"***@{run}")
    commands = [say(*RUN, "--trials", "2", "--no-report", "--out", uri)]
    commands += [say(name, uri) for name in ("status", "verify")]
    commands += [say("compare", uri, uri), say(*RUN, "--dry-run", "--pilot", uri)]
    assert [s.code for s in commands[:4]] == [0, 0, 0, 0]
    assert f"rows: {shown}\n" in commands[0].out
    session = json.loads(objects(s3, run)["study.json"])["sessions"][0]
    assert f"--out {shown}" in session["command"]
    assert read_run(uri).where == shown
    told = "".join(s.out + s.err for s in commands).encode() + b"".join(objects(s3, run).values())
    assert not [secret for secret in SECRETS if secret in told]
    broken = say("status", uri.replace("%2F", "/"))
    assert broken.code == 2 and "mon" not in broken.err


@pytest.mark.slow
def test_a_report_is_written_to_the_run(s3: int, say: Say) -> None:
    run = new_run()
    ended = say(*RUN, "--out", uri_at(s3, f"AKIAFISH:sal%2Fmon@{run}"))
    assert (ended.code, ended.err) == (0, "")
    page = uri_at(s3, f"***@{run}/report/index.html")
    assert ended.out.endswith(f"report: {page}\n")
    contents = objects(s3, run)
    assert b"read_run(&#39;s3://***@eggs/" in contents["report/index.html"]
    assert "report/tables/losses.csv" in contents
    told = ended.out.encode() + b"".join(contents.values())
    assert not [secret for secret in SECRETS if secret in told]


@pytest.fixture
def proxy(s3: int) -> Iterator[Proxy]:
    with closing(Proxy(s3)) as s3_proxy:
        yield s3_proxy


@pytest.mark.parametrize("words", [RUN, ("status",), ("report",)])
@pytest.mark.parametrize(
    ("broken", "code", "reason"),
    [(403, 2, "ACCESS_DENIED"), (503, 1, "HTTP status 503"), ("cut", 1, "NETWORK_CONNECTION")],
)
def test_a_place_that_does_not_serve_is_one_sentence(
    broken: str | int,
    code: int,
    reason: str,
    words: tuple[str, ...],
    proxy: Proxy,
    say: Say,
    impatient: Impatient,
) -> None:
    proxy.fault = lambda request: broken
    uri = uri_at(proxy.port, new_run())
    with impatient():
        ended = say(*words, *(["--out"] if words is RUN else []), uri)
    assert ended.code == code
    announced = "reading the quickstart and its data\n" if words is RUN else ""
    assert ended.out == announced and ended.err.startswith("caviar: cannot ")
    assert ended.err.count("\n") == 1 and reason in ended.err
    assert "Request ID" not in ended.err


def only_reads(request: Request) -> int | None:
    return None if request.method in ("GET", "HEAD") else 403


def test_status_needs_nothing_but_to_read_the_place(
    s3: int, proxy: Proxy, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a driver of another machine runs, and after it has said how it ended."""
    run, plan = new_run(), plan_of(*TINY)
    proxy.fault = only_reads
    driver, reader = storage_at(uri_at(s3, run)), uri_at(proxy.port, run)
    with monkeypatch.context() as elsewhere, driver.hold():
        elsewhere.setattr("platform.node", lambda: "10.0.0.7")
        open_run(driver, plan, "caviar run")
        ParquetSink(driver).plan(plan.trials)
        log = RunLog(driver)
        log.begin("caviar run", 4, 0)
        running = say("status", reader)
        log.end(Progress(4, 0, {}, interrupted=True))
    stopped = say("status", reader)
    assert (running.code, running.err, stopped.code, stopped.err) == (0, "", 0, "")
    assert f"running: process {os.getpid()} on 10.0.0.7 since 20" in running.out
    assert "stopped; the same `caviar run` command resumes it; last run by process" in stopped.out
    assert all("0 of 4 trials done" in answer.out for answer in (running, stopped))


def test_a_bucket_that_is_not_there(s3: int, say: Say) -> None:
    uri = uri_at(s3, "no-such-bucket/run")
    ended = say(*RUN, "--out", uri)
    assert ended.code == 2 and "NO_SUCH_BUCKET" in ended.err and "carries on" not in ended.err
    assert say("status", uri).code == 2


def test_a_store_that_is_off(s3: int, say: Say, impatient: Impatient) -> None:
    with closing(Proxy(s3)) as proxy:
        port = proxy.port
    with impatient():
        ended = say(*RUN, "--out", uri_at(port, new_run()))
    assert ended.code == 1 and "NETWORK_CONNECTION" in ended.err


@pytest.mark.slow
def test_a_store_that_says_nothing_is_given_up(
    proxy: Proxy, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    proxy.fault = lambda request: "silent"
    ended = say("status", uri_at(proxy.port, new_run()))
    assert ended.code == 1 and "Timeout" in ended.err
    assert len(proxy.requests) == 2


def test_a_request_is_tried_again(proxy: Proxy, say: Say) -> None:
    proxy.fault = lambda request: 503 if len(proxy.requests) < 2 else None
    ended = say("status", uri_at(proxy.port, new_run()))
    assert ended.code == 2 and "is not a run" in ended.err


@pytest.mark.slow
def test_a_request_is_tried_five_times(proxy: Proxy, say: Say) -> None:
    proxy.fault = lambda request: 503 if len(proxy.requests) < 5 else None
    ended = say("status", uri_at(proxy.port, new_run()))
    assert ended.code == 2 and "is not a run" in ended.err
    asked = [request.key.rpartition("/")[2] for request in proxy.requests]
    assert asked[:5] == ["study.json"] * 5
    assert "study.json" not in asked[5:]  # What follows looks for a run nearby, to name it.


ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.faults("the driver of a run in an object store is killed")
def test_a_killed_program_goes_on(s3: int, tmp_path: Path, fault: Fault) -> None:
    run = new_run()
    uri = uri_at(s3, run)
    with driving(uri, "partial(workers.holds_after, 'curves')") as first:
        assert eventually(lambda: any("curves/" in key for key in objects(s3, run)))
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert "_writer.json" in objects(s3, run)
    fault.inject()
    before = rows_that_count(uri)
    words = ("run", "--workers", "1", *STUDY, "--no-report", "--out")
    with fault.recovering():
        done = caviar(*words, uri, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"taking over {uri} from caviar (process {first.pid} on " in done.stdout
    assert caviar("verify", uri, cwd=tmp_path).returncode == 0
    assert caviar(*words, "local", cwd=tmp_path).returncode == 0
    same_tables(tables(uri), tables(tmp_path / "local"))
    fault.ended(before, rows_that_count(tmp_path / "local"), rows_that_count(uri))


README = ROOT / "README.md"


def test_the_line_of_the_readme_runs(
    s3: int, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line as it stands, with a small study and the endpoint from the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3}")
    (line,) = [x for x in README.read_text().splitlines() if "s3://" in x and x[:6] == "caviar"]
    words = shlex.split(line, comments=True)[1:]
    (uri,) = [word for word in words if word.startswith("s3://")]
    bucket, path = urlsplit(uri).netloc, urlsplit(uri).path
    make_bucket(s3, bucket)
    (tmp_path / "studies").symlink_to(ROOT / "studies")
    small = settings_of(("hidden=[4]", "budget.epochs=1", "replicas=1", "evaluations=1"))
    ended = say(*words, *small, "--trials", "1", "--on", "inline", "--no-report")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(f"rows: {uri}\n")
    assert "study.json" in objects(s3, bucket + path)
    assert "1 of 1 trials done" in say("status", uri).out


def test_a_folder_is_put_into_the_run(s3: int) -> None:
    run = new_run()
    with published(place_at(uri_at(s3, run)), "report") as folder:
        (folder / "figures").mkdir()
        (folder / "figures" / "a.svg").write_bytes(b"figure" * 10**6)
        (folder / "index.html").write_text("page")
        (folder / "empty").touch()
        assert objects(s3, run) == {}
    contents = objects(s3, run)
    assert contents.pop("report/figures/a.svg") == b"figure" * 10**6
    assert contents == {"report/index.html": b"page", "report/empty": b""}
    assert not folder.exists()


def test_what_could_not_be_made_is_not_put(s3: int) -> None:
    run = new_run()
    with pytest.raises(ZeroDivisionError), published(place_at(uri_at(s3, run)), "report") as folder:
        (folder / "index.html").write_text("page")
        raise ZeroDivisionError
    assert objects(s3, run) == {}

"""`caviar watch` of a real run, while it goes on, by its server and by its file."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from caviar.runner.cli.watch import looking
from tests.runner.helpers import TINY, caviar, command, ended_well, eventually, settings_of

DIRECTLY = build_opener(ProxyHandler({}))
"""Whatever proxy the environment names."""

RUN = ("run", *settings_of(TINY), "--on", "inline", "--no-report", "--out", "one")


def test_it_follows_a_run_that_goes_on_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    ended_well(*RUN, "--trials", "1", cwd=tmp_path)
    with subprocess.Popen(
        command("watch", "one"), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        address = re.findall(r"open (http://127\.0\.0\.1:\d+/\S+/)\n", watching.stdout.readline())[
            0
        ]

        def state() -> dict[str, Any]:
            with DIRECTLY.open(f"{address}state.json", timeout=30) as answer:
                data: dict[str, Any] = json.load(answer)
            return data

        try:
            assert (state()["completed"], state()["trials"]) == (1, 1)
            ended_well(*RUN, cwd=tmp_path)
            assert eventually(lambda: state()["completed"] == 4)
            with DIRECTLY.open(address, timeout=30) as answer:
                assert b"caviar watch" in answer.read()
            lines = {line[0]: line for line in state()["groups"]["norm_batch_size"]}
            assert set(lines) == {"4", "16"} and lines["4"][2][0][-1] > 1
            assert {trial[1] for trial in state()["explorer"]["trials"]} == {"completed"}
        finally:
            watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()
    assert watching.returncode == 0
    assert rest.splitlines()[-1] == "the run has finished; still watching"


def test_a_file_is_written_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_well(*RUN, cwd=tmp_path)
    pages: list[str] = []

    def nap(seconds: float) -> None:
        pages.append((tmp_path / "live.html").read_text(encoding="utf-8"))
        if len(pages) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("caviar.runner.cli.watch.time.sleep", nap)
    output = ended_well("watch", "one", "--file", "live.html", cwd=tmp_path)
    assert output.splitlines() == [
        "open live.html in a browser (Ctrl-C ends)",
        "the run has finished; still watching",
    ]
    last = (tmp_path / "live.html").read_text(encoding="utf-8")
    assert all('data-refresh="reload"' in page for page in pages)
    assert 'data-refresh="none"' in last and "connect-src" not in last
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["live.html"]


def test_what_cannot_be_watched_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    for words, says in (
        (["thesis"], "'thesis' is not a run: it has no study.json"),
        (["nowhere"], "'nowhere' is not a run"),
        (["thesis", "--file", "x.html", "--port", "80"], "--port has no use"),
        (["thesis", "--file", "."], "names no file"),
    ):
        done = caviar("watch", *words, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr and len(done.stderr.splitlines()) == 1
    ended_well(*RUN, "--trials", "1", cwd=tmp_path)
    done = caviar("watch", "one", "--file", "no/such/folder.html", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_look_reads_and_writes_nothing(tmp_path: Path) -> None:
    ended_well(*RUN, "--trials", "1", cwd=tmp_path)

    def files() -> dict[str, float]:
        return {str(p): p.stat().st_mtime_ns for p in (tmp_path / "one").rglob("*")}

    before = files()
    look = looking(str(tmp_path / "one"))
    assert look()["completed"] == look()["completed"] == 1
    assert files() == before

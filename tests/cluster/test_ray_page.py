"""Every command of docs/cluster.md is tried by a test, or the page says that it is not."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import latest_outcomes
from tests.runner.clusters import JOBS, ROOT, Head
from tests.runner.helpers import ended_well, eventually, parts, settings_of

PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")

THREE_HOSTS = "tests/cluster/test_three_hosts.py"
JOB = "tests/runner/executors/test_ray_actors_shipping.py"
HERE = "tests/cluster/test_ray_page.py"
NOT_TRIED = "the page says so"
TRIED = {
    "python3 -m venv": NOT_TRIED,
    ". .venv/bin/activate": NOT_TRIED,
    "export RAY_AUTH_MODE": THREE_HOSTS,
    "ray get-auth-token": THREE_HOSTS,
    "ssh-keygen": "tests/cluster/hosts.sh",
    "ssh-copy-id": NOT_TRIED,
    "ray up": THREE_HOSTS,
    "ray exec": THREE_HOSTS,
    "ray dashboard": THREE_HOSTS,
    "ray job submit": JOB,
    "python -m runner run": JOB,
    "ray job logs": THREE_HOSTS,
    "ray job stop": HERE,
    "ray rsync-down": NOT_TRIED,
    "ray down": THREE_HOSTS,
}
"""The test that tries a command, by the command's first words."""


def test_every_command_of_the_page_is_tried() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", "").splitlines()]
    assert len(lines) >= 14
    assert not [line for line in lines if not line.startswith(tuple(TRIED))]
    assert all(any(line.startswith(words) for line in lines) or words in PAGE for words in TRIED)
    for words in (words for words, place in TRIED.items() if place == NOT_TRIED):
        assert f"`{words}`" in PAGE.partition("not tried:")[2].partition("\n\n")[0], words
    for place in TRIED.values():
        assert not place.startswith("tests/") or (ROOT / place.split()[0]).exists(), place


LONG = ("hidden=[8]", "replicas=2", "budget.epochs=300", "draws.count=2")


def job(head: Head, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`ray job ...` against the head, in a folder that is shipped."""
    binaries = Path(sys.executable).parent
    return subprocess.run(
        [str(binaries / "ray"), "job", words[0], "--address", head.jobs, *words[1:]],
        cwd=folder,
        env={**os.environ, **head.environment, "PATH": f"{binaries}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def driver_of(root: Path) -> int:
    """The process that writes the run."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_text("utf-8").split("\0")
            if words[1:4] == ["-m", "runner", "run"] and str(root) in words:
                return int(folder.name)
    raise AssertionError(f"nothing writes {root}")


@contextmanager
def halted(process: int) -> Iterator[None]:
    """The process does nothing until it is told to end, and then that first."""
    os.kill(process, signal.SIGSTOP)
    waits = Thread(target=_told_to_end, args=(process,))
    waits.start()
    yield
    waits.join()


def _told_to_end(process: int) -> None:
    def pending() -> bool:
        status = Path(f"/proc/{process}/status").read_text("utf-8")
        (waiting,) = (line for line in status.splitlines() if line.startswith("ShdPnd:"))
        return bool(int(waiting.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    eventually(pending, 300)
    os.kill(process, signal.SIGCONT)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What of a clone a job needs, with the links between the packages."""
    for package in ("caviar", "model", "runner", "analysis", "studies"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / "clone" / package, symlinks=True, ignore=ignore)
    return tmp_path / "clone"


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.skipif(not JOBS, reason="jobs need ray[default], which is not installed")
def test_a_stopped_job_needs_a_new_id_and_resumes_under_it(
    ray_head: Head, clone: Path, tmp_path: Path
) -> None:
    """The block of the page, word for word but for the address and the size of the study."""
    root = tmp_path / "runs" / "ghost-size"
    run = ("-m", "runner", "run", "studies/ghost-size.toml", "--on", "ray", "--out")
    assert f"python {' '.join(run)}" in PAGE
    size = (*settings_of(LONG), "--no-report")

    def submitted(name: str, out: str, *more: str) -> tuple[int, str]:
        words = ("--submission-id", name, *more, "--working-dir", ".")
        words += ("--", sys.executable, *run, out, *size)
        done = job(ray_head, clone, "submit", *words)
        return done.returncode, done.stdout + done.stderr

    code, text = submitted("relative", "runs/ghost-size")
    assert code == 1 and "failed with exit code 2" in text
    assert "lies in the folder of this Ray job, which Ray throws away" in text
    assert submitted("ghost", str(root), "--no-wait")[0] == 0
    assert eventually(lambda: bool(parts(root, "outcomes")), 300)
    with halted(driver_of(root)):  # Or it could end before it is told to stop.
        assert "trials to run: starting workers" in job(ray_head, clone, "logs", "ghost").stdout
        stopped = job(ray_head, clone, "stop", "ghost")
    assert "Job 'ghost' was stopped" in stopped.stdout + stopped.stderr
    assert latest_outcomes(storage_at(root))
    code, text = submitted("ghost", str(root))
    assert code == 1 and "Job with submission_id ghost already exists" in text
    code, text = submitted("ghost-2", str(root))
    assert code == 0 and f"resuming {root}: " in text and "16/16 trials" in text
    ended_well("verify", root, cwd=tmp_path)

"""What a machine lacks is said before a run begins, by really taking it away."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.executors.environment_checks import (
    FILES_OF_A_WORKER,
    FILES_OF_THE_DRIVER,
    check_room_for_ray,
    must_suit,
)
from tests.runner.helpers import TINY, caviar, command, settings_of


@contextmanager
def open_files(count: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_too_few_open_files_are_said_with_the_number_of_workers_that_fits() -> None:
    with open_files(100):
        must_suit("local", 18, 50, None)
        must_suit("local", 500, 18, None)  # No more workers than trials are started.
        must_suit("inline", 500, 500, None)
        with pytest.raises(RequestError) as refused:
            must_suit("local", 19, 50, None)
    assert str(refused.value) == (
        "19 workers need 102 open files, and this shell allows 100; raise the limit "
        "(`ulimit -n 102`), or use --workers 18"
    )
    with open_files(64), pytest.raises(RequestError, match="or use --on inline"):
        must_suit("local", 2, 50, None)


def test_as_many_open_files_as_are_asked_for_are_enough(tmp_path: Path) -> None:
    limit = FILES_OF_THE_DRIVER + 2 * FILES_OF_A_WORKER
    words = command("run", *settings_of(TINY), "--workers", "2", "--no-report", "--out", "run")
    code = f"import os, resource as r, sys; r.setrlimit(r.RLIMIT_NOFILE, ({limit}, {limit}))"
    code += "; os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "") and "4/4 trials" in done.stdout


def test_a_temporary_folder_that_cannot_be_used_is_named_before_ray_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "missing")
    words = ("run", *settings_of(TINY), "--on", "ray", "--out", "run")
    done = caviar(*words, cwd=tmp_path, TMPDIR=missing)
    assert done.returncode == 2 and not (tmp_path / "run").exists()
    assert done.stderr == (
        f"caviar: TMPDIR is '{missing}', which is not a folder; name one that is, or unset it\n"
    )
    monkeypatch.setenv("TMPDIR", missing)
    must_suit("local", 1, 1, None)  # Nothing is written there.
    must_suit("ray", 1, 1, "far:6379")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte in memory."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts no tmpfs")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


def test_a_full_folder_and_full_shared_memory_are_named(small: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"small' has 1 MiB free, and Ray needs 64 for its sock"):
        check_room_for_ray(small)
    with pytest.raises(RequestError, match=r"small' has 1 MiB free, and Ray keeps the data there"):
        check_room_for_ray(tmp_path, small)
    check_room_for_ray(tmp_path, tmp_path / "nowhere")


def test_a_folder_that_is_not_writable_is_named(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)  # For root, too.
    monkeypatch.setenv("RAY_TMPDIR", str(small))
    with pytest.raises(RequestError, match=r"^RAY_TMPDIR is .*, which is not writable; name one"):
        must_suit("ray", 1, 1, None)

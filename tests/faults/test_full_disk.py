"""A real disk without room, one that may not be written, and places of the wrong kind."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.drivers import ended
from tests.faults.injections import Fault, Rows, rows_that_count, whole
from tests.faults.program import (
    SMALL,
    Ended,
    caviar_here,
    one_sentence,
    run_at_every_step,
    run_here,
)
from tests.runner.helpers import DIGITS, command, parts, settings_of

NO_ROOM = (
    "No space left on device; what was committed is whole, and the same command carries on once "
    "there is room and the folder can be written"
)
PAGE = 4096


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = tmp_path_factory.mktemp("whole") / "run"
    assert run_at_every_step(root).code == 0
    return rows_that_count(root)


class SmallDisk:
    """A file system in memory of as many pages as a test says."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mount(self, *options: str) -> None:
        words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(self.path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs to be allowed to mount a tmpfs: {done.stderr.strip()}")

    def again(self, *options: str) -> None:
        words = ["mount", "-o", ",".join(["remount", *options]), str(self.path)]
        subprocess.run(words, check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small_disk = SmallDisk(tmp_path / "disk")
    small_disk.path.mkdir()
    yield small_disk
    subprocess.run(["umount", "-l", str(small_disk.path)], capture_output=True, check=False)


@pytest.mark.faults("a real disk is full after so many bytes")
@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_disk_that_is_full_at_any_page(
    stride: int, expected: Rows, fault: Fault, disk: SmallDisk
) -> None:
    """Each time the disk has one page more, until there is enough room."""
    disk.mount("size=1")
    pages, last = 1, Ended(1, "", "")
    while last.code != 0:
        disk.again(f"size={pages * PAGE}")
        root = disk.path / f"run-{pages}"
        last = run_at_every_step(root)
        if last.code == 0:
            break
        fault.inject()
        assert last.code == 1 and NO_ROOM in one_sentence(last)
        if root.exists():
            whole(root)
        before = rows_that_count(root) if (root / "study.json").exists() else Rows()
        disk.again("size=64m")
        with fault.recovering():
            assert run_at_every_step(root).code == 0
        fault.ended(before, expected, rows_that_count(root))
        shutil.rmtree(root)
        pages += stride
    assert fault.injected > 20 / stride


@pytest.mark.faults("a real disk has no room for one file more")
def test_a_disk_without_inodes(expected: Rows, fault: Fault, disk: SmallDisk) -> None:
    disk.mount("size=64m", "nr_inodes=12")
    root = disk.path / "run"
    last = run_at_every_step(root)
    assert last.code == 1 and NO_ROOM in one_sentence(last)
    fault.inject()
    whole(root)
    before = rows_that_count(root)
    disk.again("nr_inodes=1000")
    with fault.recovering():
        assert run_at_every_step(root).code == 0
    fault.ended(before, expected, rows_that_count(root))


@pytest.mark.faults("a real disk fills under the program and its workers")
def test_the_program_on_a_full_disk(fault: Fault, disk: SmallDisk, tmp_path: Path) -> None:
    small = (*DIGITS, "draws.count=1")
    whole_run = tmp_path / "whole"
    assert run_here(whole_run, *small).code == 0
    disk.mount("size=40k")  # Less than the whole run, however few its files are.
    root = disk.path / "run"
    code, _, complaints = ended(root, settings_of(small))
    fault.inject()
    assert code == 1 and NO_ROOM in one_sentence(Ended(code, "", complaints))
    whole(root)
    before = rows_that_count(root)
    disk.again("size=64m")
    with fault.recovering():
        resumed = run_here(root, *small)
    assert (resumed.code, resumed.complained) == (0, "")
    fault.ended(before, rows_that_count(whole_run), rows_that_count(root))


@pytest.mark.faults("the file system turns read-only")
def test_a_place_that_may_only_be_read(expected: Rows, fault: Fault, disk: SmallDisk) -> None:
    disk.mount("size=64m")
    root = disk.path / "run"
    assert run_here(root, *SMALL).code == 0
    shutil.rmtree(root / "outcomes")
    disk.again("ro")
    fault.inject()
    message = one_sentence(run_here(root))
    assert "Read-only file system; what was committed is whole" in message
    disk.again("rw")
    with fault.recovering():
        assert run_here(root).code == 0
    fault.ended(Rows(), expected, rows_that_count(root))


def test_a_new_folder_where_nothing_may_be_made(disk: SmallDisk) -> None:
    disk.mount("size=64m", "ro")
    ended = run_here(disk.path / "deep" / "run")
    assert ended.code == 1 and "Read-only file system" in one_sentence(ended)


@pytest.mark.faults("a file lies where a folder of the run should be")
@pytest.mark.parametrize("name", ["curves", "outcomes", "checkpoints", "trials"])
def test_a_file_in_the_place_of_a_folder(
    name: str, expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    run_at_every_step(root, *SMALL, "draws.count=1")
    before = rows_that_count(root)
    (root / name).rename(tmp_path / "aside")
    (root / name).write_text("mine")
    fault.inject()
    ended = run_here(root)
    assert ended.code == 1 and "Not a directory" in one_sentence(ended)
    assert (root / name).read_text() == "mine"
    (root / name).unlink()
    (tmp_path / "aside").rename(root / name)
    with fault.recovering():
        assert run_here(root).code == 0
    fault.ended(before, expected, rows_that_count(root))


@pytest.mark.parametrize("name", ["thesis.tex", "run/study.json"])
def test_a_file_in_the_place_of_the_run(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    ended = run_here(path)
    assert ended.code == 2 and "cannot write to" in one_sentence(ended)
    assert path.read_text() == "mine"


@pytest.mark.faults("the run's folder is deleted, or another put in its place, while it runs")
@pytest.mark.parametrize("replaced", [False, True])
def test_a_run_that_is_deleted_under_its_driver(
    replaced: bool, expected: Rows, fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, real = tmp_path / "run", os.fsync

    def deleting(descriptor: int) -> None:
        real(descriptor)
        if parts(root, "curves") and not fault.injected:
            fault.inject()
            shutil.rmtree(root)
            if replaced:
                root.mkdir()

    monkeypatch.setattr(os, "fsync", deleting)
    ended = run_at_every_step(root)
    assert ended.code == 1
    assert "was deleted or replaced while this caviar was writing" in one_sentence(ended)
    assert not list(root.glob("*"))
    with fault.recovering():
        assert run_here(root).code == 0
    fault.ended(Rows(), expected, rows_that_count(root))


def test_a_report_that_cannot_be_written_loses_no_row(expected: Rows, tmp_path: Path) -> None:
    root = tmp_path / "run"
    root.mkdir()
    assert run_here(root).code == 0
    (root / "report").write_text("mine")
    ended = caviar_here("report", root)
    line = one_sentence(ended)
    assert ended.code == 1 and f"`caviar report {root}` writes it" in line
    assert rows_that_count(root) == expected and (root / "report").read_text() == "mine"


def test_an_output_that_is_full_is_one_sentence(tmp_path: Path) -> None:
    """`caviar run > log` on a full disk: what is on disk is whole."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    words = command("run", *settings_of(SMALL), "--on", "inline", "--out", tmp_path / "run")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
    whole(tmp_path / "run")

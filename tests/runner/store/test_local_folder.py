"""A folder of this machine: whole files, one writer, nothing outside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caviar.runner.errors import StorageError
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.storage import read
from tests.faults.disk import Disk, failing


def test_what_is_written_is_read_and_listed(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "run")
    assert folder.names("") == folder.names("curves") == []
    for key in ("study.json", "curves/b", "curves/a", "curves/_hidden", "curves/.hidden"):
        folder.write(key, key.encode())
    assert folder.names("") == ["curves", "study.json"]
    assert folder.names("curves") == ["a", "b"]
    folder.write("curves/a", b"")
    assert (read(folder, "curves/a"), read(folder, "curves/b")) == (b"", b"curves/b")
    folder.delete("curves/a")
    with pytest.raises(FileNotFoundError):
        folder.open("curves/a")


@pytest.mark.parametrize("key", ["..", "../other", "curves/../x", "curves//x", "linked/x"])
def test_no_key_leads_out_of_the_run(key: str, tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "run")
    folder.write("study.json", b"{}")
    (tmp_path / "run/linked").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="leads out of the run"):
        folder.write(key, b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


def test_temporary_files_of_a_killed_writer_are_removed_by_the_next(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "run")
    folder.write("curves/a", b"a")
    (tmp_path / "run/curves/.b.tmp").write_bytes(b"half")
    with folder.hold():
        assert sorted(os.listdir(tmp_path / "run/curves")) == ["a"]


def test_a_run_that_is_deleted_is_not_begun_again_in_its_middle(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "run")
    with folder.hold():
        folder.write("study.json", b"{}")
        (tmp_path / "run").rename(tmp_path / "away")
        with pytest.raises(StorageError, match="was deleted or replaced while this caviar"):
            folder.write("curves/a", b"a")
    assert not (tmp_path / "run").exists()


def test_lines_are_appended_whole_and_a_torn_one_is_closed_first(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    assert folder.appended("log.jsonl") == b""
    folder.append("log.jsonl", b"one\n")
    folder.append("log.jsonl", b"two\nthree\n")
    assert folder.appended("log.jsonl") == b"one\ntwo\nthree\n"
    (tmp_path / "log.jsonl").write_bytes(b"one\ntw")
    folder.append("log.jsonl", b"four\n")
    assert folder.appended("log.jsonl") == b"one\ntw\nfour\n"
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(StorageError, match="is not a regular file"):
        folder.append("folder.jsonl", b"x\n")


def test_a_log_that_cannot_be_read_is_not_written_on(tmp_path: Path) -> None:
    """Whether its last line is torn is not known then. Each operation fails once."""
    folder = LocalFolder(tmp_path)
    folder.append("log.jsonl", b"one\n")
    with failing(Disk(tmp_path)) as counting:
        folder.append("log.jsonl", b"two\n")
    for fatal in range(counting.done):
        with (
            failing(Disk(tmp_path, "broken", fatal)),
            pytest.raises(StorageError, match="Input/output error; what was committed is whole"),
        ):
            folder.append("log.jsonl", b"three\n")
    (tmp_path / "log.jsonl").write_bytes(b"")
    folder.append("log.jsonl", b"one\n")
    assert folder.appended("log.jsonl") == b"one\n"


def test_it_is_held_while_a_writer_lives_and_no_longer(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "run")
    assert not folder.is_held(0.0)
    with folder.hold():
        assert LocalFolder(tmp_path / "run").is_held(0.0)
    assert not folder.is_held(0.0)


def test_the_last_write_is_the_newest_of_its_files_and_folders_without_the_report(
    tmp_path: Path,
) -> None:
    folder = LocalFolder(tmp_path / "run")
    assert folder.written_last() is None
    folder.write("curves/a", b"")
    folder.write("report/index.html", b"")
    root = tmp_path / "run"
    for name, seconds in (("curves", 20), ("report", 90), (".", 10)):
        os.utime(root / name, (seconds, seconds))
    assert folder.written_last() == 20
    folder.append("log.jsonl", b"x\n")
    os.utime(root / "log.jsonl", (40, 40))
    os.utime(root, (10, 10))
    assert folder.written_last() == 40

"""A folder of this machine: whole files, one writer, nothing outside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caviar.runner.errors import StorageError
from caviar.runner.store.local_folder import LocalFolder, write_whole
from caviar.runner.store.storage import read


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


def names_while_writing(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names in a folder at every sync and at the rename."""
    listings: list[list[str]] = []
    sync, rename = os.fsync, Path.replace

    def looking(descriptor: int) -> None:
        listings.append(sorted(os.listdir(os.environ["LOOKED_AT"])))
        sync(descriptor)

    def renaming(path: Path, target: Path) -> Path:
        listings.append(["rename"])
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", looking)
    monkeypatch.setattr(Path, "replace", renaming)
    return listings


def test_a_file_appears_only_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKED_AT", str(tmp_path))
    listings = names_while_writing(monkeypatch)
    write_whole(tmp_path / "a.txt", b"content")
    assert listings == [[".a.txt.tmp"], ["rename"], ["a.txt"]]
    assert (tmp_path / "a.txt").read_bytes() == b"content"

"""Files that are whole, and a folder whose content changes in one step."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from caviar.runner.store import whole_files
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.whole_files import UNABLE, swap, write_whole


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "curves"
    made.mkdir(mode=0o750)
    for name in "abc":
        (made / name).write_text(name)
    return made


def test_some_files_become_one_in_one_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[str]] = []
    real = whole_files.exchange

    def looking(one: Path, other: Path) -> None:
        shown.append(sorted(os.listdir(folder)))
        real(one, other)
        shown.append(sorted(os.listdir(folder)))

    monkeypatch.setattr(whole_files, "exchange", looking)
    swap(folder, ["a", "b"], "ab", b"ab")
    assert shown == [["a", "b", "c"], ["ab", "c"]]
    assert [(folder / name).read_text() for name in ("ab", "c")] == ["ab", "c"]
    assert folder.stat().st_mode & 0o777 == 0o750
    assert os.listdir(folder.parent) == ["curves"]


@pytest.mark.parametrize("number", sorted(UNABLE))
def test_where_there_is_no_such_step_nothing_changes_and_files_go_one_by_one(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(one: Path, other: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(whole_files, "exchange", unable)
    with pytest.raises(OSError, match=r"."):
        swap(folder, ["a", "b"], "ab", b"ab")
    assert (sorted(os.listdir(folder)), os.listdir(folder.parent)) == (["a", "b", "c"], ["curves"])
    for name in "ab":
        (folder / name).rename(folder / f"part-{ord(name):06d}.parquet")
    names = [f"part-{ord(name):06d}.parquet" for name in "ab"]
    assert LocalFolder(folder.parent).replace("curves", names, b"ab") == (
        "part-000097to000098.parquet"
    )
    assert sorted(os.listdir(folder)) == ["c", "part-000097to000098.parquet"]


def test_without_the_system_call_the_step_is_unknown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    with pytest.raises(OSError, match="Function not implemented") as caught:
        swap(folder, ["a"], "d", b"d")
    assert caught.value.errno == errno.ENOSYS

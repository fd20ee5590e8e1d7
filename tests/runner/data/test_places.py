"""Where a file of data lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.data.places import from_folder, local, without_home
from caviar.runner.errors import RequestError


@pytest.mark.parametrize("scheme", ["https", "http", "ftp"])
def test_other_places_are_refused_with_the_way_out(scheme: str) -> None:
    with pytest.raises(RequestError, match=f"not read from {scheme}://; download the file"):
        with local(f"{scheme}://example.org/t.csv"):
            pass


def test_a_path_is_itself() -> None:
    with local("folder/t.csv") as path:
        assert str(path) == "folder/t.csv"


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/home/ann/thesis/study/data/t.csv", "data/t.csv"),
        ("/home/ann/thesis/data/t.csv", "../data/t.csv"),
        ("/home/ann/t.csv", "~/t.csv"),
        ("/home/ben/t.csv", "/home/ben/t.csv"),
        ("/data/t.csv", "/data/t.csv"),
        ("s3://bucket/t.csv", "s3://bucket/t.csv"),
        ("t.csv", "t.csv"),
    ],
)
def test_a_path_is_written_from_a_folder_but_through_no_home(
    path: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert from_folder(path, Path("/home/ann/thesis/study")) == written


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ('File "/home/ann/venv/a.py", line 3', 'File "~/venv/a.py", line 3'),
        ("--out=/home/ann", "--out=~"),
        ("(/home/ann/x)", "(~/x)"),
        ("/home/anna/x /mnt/home/ann/x", "/home/anna/x /mnt/home/ann/x"),
    ],
)
def test_a_text_names_no_home_folder(
    text: str, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert without_home(text) == without

"""`caviar export`: one form at a time, into a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.runner.helpers import caviar


def test_csv_files_are_named_with_their_folder(folder: Path) -> None:
    done = caviar("export", "run", "--csv", "csv", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "6 tables: csv\n")
    assert {path.name for path in (folder / "csv").iterdir()} >= {"trials.csv", "noise.csv"}
    again = caviar("export", "run", "--csv", "csv", cwd=folder)
    assert again.returncode == 2 and "'csv' exists already; name a new folder" in again.stderr


@pytest.mark.parametrize("words", [(), ("--study", "--csv", "c"), ("--csv", "c", "--mlflow", "m")])
def test_one_form_at_a_time(words: tuple[str, ...], folder: Path) -> None:
    done = caviar("export", "run", *words, cwd=folder)
    assert done.returncode == 2 and "give one of --tensorboard DIR" in done.stderr


def test_what_is_not_installed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    done = caviar("export", "run", "--tensorboard", "board", cwd=folder)
    assert done.returncode == 2 and "pip install -e '.[export]'" in done.stderr


def test_a_place_that_is_no_run_is_refused(folder: Path) -> None:
    for words in (("--study",), ("--csv", "c")):
        assert caviar("export", ".", *words, cwd=folder).returncode == 2

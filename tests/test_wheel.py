"""The wheel holds `caviar` alone, with what the program reads from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a wheel that hatchling builds here, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_there_is_one_name_at_the_top(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"caviar"}


def test_every_module_is_in_it(names: set[str]) -> None:
    files = {
        f"caviar/{path.relative_to(ROOT).as_posix()}"
        for package in ("model", "runner", "analysis")
        for path in (ROOT / package).rglob("*.py")
    }
    assert files <= names
    assert {"caviar/__init__.py", "caviar/front_door.py", "caviar/py.typed"} <= names


@pytest.mark.parametrize(
    "file",
    [
        "analysis/report/page/page.html.j2",
        "analysis/report/page/page.css",
        "analysis/report/page/page.js",
        "runner/study/quickstart.toml",
    ],
)
def test_what_the_program_reads_is_in_it(file: str, names: set[str]) -> None:
    assert f"caviar/{file}" in names

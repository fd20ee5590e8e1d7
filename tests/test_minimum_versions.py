"""The lowest version of every dependency that pyproject.toml allows runs a study to its page."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.runner.helpers import TINY, settings_of

ROOT = Path(__file__).resolve().parents[1]
TESTED = (
    *("tests/runner/data/test_csv_tables.py", "tests/runner/data/test_arrow_files.py"),
    *("tests/runner/data/test_numpy_files.py", "tests/runner/data/test_columns.py"),
    *("tests/runner/store/test_part_files.py", "tests/runner/store/test_schemas.py"),
    *("tests/runner/study/test_sampling.py", "tests/runner/trial/test_arithmetic.py"),
    "tests/test_data_page.py",
)
"""What most depends on how a library behaves."""

pytestmark = pytest.mark.slow


def lowest() -> list[str]:
    """Every dependency pinned to the lowest version that is declared."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = []
    for needed in map(Requirement, declared["dependencies"]):
        (floor,) = needed.specifier
        assert floor.operator == ">=", needed
        pins.append(f"{needed.name}=={floor.version}")
    return pins


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with these versions, and pytest."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    interpreter = folder / "bin" / "python"
    tools = ("pytest", "pytest-xdist", "hypothesis")
    install = [str(interpreter), "-m", "pip", "install", "-q", *lowest(), *tools]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if "Temporary failure in name resolution" in done.stderr:
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stderr
    return interpreter


def ended_well(python: Path, *words: str, cwd: Path) -> str:
    done = subprocess.run(
        [str(python), *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_study_runs_to_its_page_and_is_verified(python: Path, tmp_path: Path) -> None:
    study = settings_of((*TINY, "replicas=5"))
    for words in (("--help",), ("run", "--help"), ("run", *study, "--dry-run")):
        ended_well(python, "-m", "caviar", *words, cwd=tmp_path)
    text = ended_well(python, "-m", "caviar", "run", *study, cwd=tmp_path)
    assert "report: runs/quickstart/report/index.html" in text
    assert (tmp_path / "runs/quickstart/report/index.html").stat().st_size > 10_000
    ended_well(python, "-m", "caviar", "verify", "runs/quickstart", cwd=tmp_path)


def test_what_depends_on_a_library_passes(python: Path) -> None:
    """Warnings of old libraries about newer ones are none of ours."""
    options = ("-q", "-n", "0", "-W", "default", "-p", "no:cacheprovider")
    ended_well(python, "-m", "pytest", *options, *TESTED, cwd=ROOT)

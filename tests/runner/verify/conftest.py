"""A finished run, and copies of it to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.runner.helpers import TINY, ended_well, settings_of
from tests.runner.verify.damage import INLINE


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that no test changes."""
    folder = tmp_path_factory.mktemp("good")
    ended_well("run", *settings_of(TINY), *INLINE, "run", cwd=folder)
    return folder / "run"


@pytest.fixture
def run(good: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(good, tmp_path / "run")

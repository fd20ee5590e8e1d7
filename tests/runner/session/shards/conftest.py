"""One study of six trials, run by one driver and by three."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.program import caviar_here
from tests.runner.helpers import TINY, settings_of

STUDY = (*(s for s in TINY if not s.startswith("draws")), "draws.count=3")
RUN = ("run", *settings_of(STUDY), "--on", "inline", "--no-report")


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("one") / "run"
    assert caviar_here(*RUN, "--out", root).code == 0
    return root


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("three") / "run"
    for number in (3, 1, 2):
        done = caviar_here(*RUN, "--out", root, "--shard", f"{number}/3")
        assert done.code == 0 and f"shard {number} of 3 is done" in done.output
    return root


@pytest.fixture
def split(three: Path, tmp_path: Path) -> Path:
    """A copy of the three shards."""
    return Path(shutil.copytree(three, tmp_path / "split"))

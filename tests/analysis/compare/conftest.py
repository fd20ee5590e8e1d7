"""One invented run that many comparisons start from."""

from __future__ import annotations

import pytest

from caviar.analysis.run.read import Run
from tests.analysis.compare.two_runs import run


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two sizes, two draws, six seeds; tests change copies of its folder."""
    return run(tmp_path_factory.mktemp("here") / "a")

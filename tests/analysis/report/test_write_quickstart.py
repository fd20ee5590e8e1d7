"""The page of the quickstart, trained shortly: small enough to send, six sheets on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.browser import CHROMIUM, sheets
from tests.runner.helpers import caviar

pytestmark = pytest.mark.slow  # 28 networks x 16 seeds and every figure: half a minute.

MOST_BYTES = 900_000


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quickstart")
    done = caviar("run", "--set", "budget.epochs=8", cwd=folder, drawing=None)
    assert done.returncode == 0, done.stderr
    return folder / "runs/quickstart/report/index.html"


def test_the_page_is_small_enough_to_send(page: Path) -> None:
    assert page.stat().st_size <= MOST_BYTES


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_on_paper_it_is_six_sheets(page: Path, tmp_path: Path) -> None:
    assert 4 <= sheets(page, tmp_path) <= 6

"""axe-core finds nothing on a page, at the width of a phone and of a screen.

`npm install --no-save axe-core` in the repository brings it; nothing of it is kept here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.report.living.page import living_page
from tests.analysis.browser import CHROMIUM, look
from tests.analysis.report.living.test_page import STATE
from tests.sources import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm install axe-core)"),
]


@pytest.mark.parametrize("kind", ["report", "living"])
def test_axe_finds_nothing(kind: str, report: Path, tmp_path: Path) -> None:
    """On the page of a report with its trial explorer, and on that of a run that is written."""
    page, widths = report / "index.html", (390, 1440)
    if kind == "living":
        page = tmp_path / "living.html"
        page.write_text(living_page(STATE, "none"), encoding="utf-8")
    looks = look(page, widths, tmp_path, AXE.read_text(encoding="utf-8"))
    assert [looks[width]["axe"] for width in widths] == [[], []]

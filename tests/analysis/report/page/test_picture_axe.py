"""axe-core finds nothing on a page, at the width of a phone and of a screen.

`npm install --no-save axe-core` in the repository brings it; nothing of it is kept here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.browser import CHROMIUM, look
from tests.sources import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm install axe-core)"),
]


def test_axe_finds_nothing(report: Path, tmp_path: Path) -> None:
    widths = (390, 1440)
    looks = look(report / "index.html", widths, tmp_path, AXE.read_text(encoding="utf-8"))
    assert [looks[width]["axe"] for width in widths] == [[], []]

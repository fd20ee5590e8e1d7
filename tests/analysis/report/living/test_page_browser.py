"""The living page in a real browser: what it shows, and that it follows without being asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.report.explorer.explorer import as_json
from caviar.analysis.report.living.page import living_page
from caviar.runner.living.server import Served, serving
from tests.analysis.browser import CHROMIUM, dumped, tried
from tests.analysis.report.living.test_page import STATE

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

LATER: dict[str, Any] = {
    **STATE,
    **{"state": "finished", "says": "finished; last run by 7", "completed": 4, "failures": []},
    **{"failed": 0, "not_tried": 0, "seconds_left": None, "running_trials": []},
    "seen": "2026-11-28T10:05:00Z",
}

LOOK = """
const text = id => document.getElementById(id).textContent;
const many = selector => [...document.querySelectorAll(selector)];
const by = document.getElementById("by"), done = document.getElementById("done");
const texts = Object.fromEntries(["state", "news", "counts", "failures", "lines"]
  .map(id => [id, text(id)]));
return {...texts, fields: [...by.options].map(o => o.value),
  drawn: many("#curves svg").map(s => s.querySelectorAll("[data-s]").length),
  title: document.querySelector("#curves [data-s] title").textContent,
  done: [done.value, done.max],
  sizes: many("svg.panel").map(s => 10 * s.getBoundingClientRect().width / s.viewBox.baseVal.width),
  width: document.documentElement.scrollWidth, rows: many(".trials tbody tr").length};
"""


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_says_how_far_the_run_is(tmp_path: Path, width: int) -> None:
    (tmp_path / "page.html").write_text(living_page(STATE, "none"), encoding="utf-8")
    shown = tried(tmp_path / "page.html", LOOK, width, tmp_path)
    assert shown["state"] == "running" and "no longer followed" in shown["news"]
    for name, value in (
        *(("trials done", "1 of 4"), ("running", "1"), ("failed", "1"), ("rows", "12,345")),
        *(("rows per second", "21"), ("time left, about", "1 h 01 min")),
    ):
        assert f"{name}{value}" in shown["counts"]
    assert "cc failed on h: </div><script>" in shown["failures"]
    assert shown["fields"] == ["norm_batch_size"] and shown["lines"] == "864"
    assert shown["drawn"] == [2, 1] and shown["done"] == [1, 4] and shown["rows"] == 1
    assert shown["title"] == "norm_batch_size = 8: 0.1 nats at update 8"
    assert shown["width"] <= width and min(shown["sizes"]) >= 9


def test_the_page_follows_its_server(tmp_path: Path) -> None:
    served = Served(living_page(STATE, "fetch").encode(), as_json(LATER).encode())
    with serving(served, 0) as address:
        source = dumped(address, tmp_path)
    assert re.search(r'id="state"[^>]*>finished; last run by 7<', source)
    assert "As of 2026-11-28T10:05:00Z; this page follows." in source
    assert "cc failed" not in source.partition('id="data"')[0]
    assert re.search(r"<dt>trials done</dt><dd>4 of 4</dd>", source)

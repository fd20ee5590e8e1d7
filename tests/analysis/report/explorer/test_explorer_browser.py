"""The table of trials in a real browser: it sorts, filters, and opens one trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.browser import CHROMIUM, tried

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TRY = """
document.getElementById("explorer").open = true;
const table = document.querySelector("table.trials");
const words = document.getElementById("trial-filter");
const column = name => [...table.tHead.rows[0].cells].findIndex(c => c.textContent === name);
const values = name => [...table.tBodies[0].rows].map(r => r.cells[column(name)]?.textContent);
const press = name => table.tHead.rows[0].cells[column(name)].querySelector("button").click();
const ask = text => {
  words.value = text;
  words.dispatchEvent(new Event("input"));
  return values("norm_batch_size");
};
const result = {all: values("status")};
press("norm_batch_size");
result.up = values("norm_batch_size");
result.sorted = table.tHead.rows[0].cells[column("norm_batch_size")].ariaSort;
press("norm_batch_size");
result.down = values("norm_batch_size");
result.equal = ask("norm_batch_size=8");
result.range = ask("norm_batch_size>=64 completed learning_rate<0.15");
result.diverged = [ask("diverged"), values("status")];
result.nothing = ask("nosuchword");
ask("diverged");
table.querySelector("[data-trial]").click();
result.expanded = table.querySelector("[data-trial]").ariaExpanded;
result.panels = [...table.querySelectorAll(".detail svg.panel path[stroke='var(--c1)']")].length;
result.code = table.querySelector(".detail pre").textContent;
result.config = table.querySelector(".detail dl").textContent;
result.width = document.documentElement.scrollWidth;
table.querySelector("[data-trial]").click();
result.closed = table.querySelectorAll(".detail").length;
result.sparks = table.querySelectorAll("svg.spark[aria-label*='train-mode loss from']").length;
return result;
"""


@pytest.mark.parametrize("width", [390, 1440])
def test_trials_are_sorted_filtered_and_opened(report: Path, tmp_path: Path, width: int) -> None:
    done = tried(report / "index.html", TRY, width, tmp_path)
    assert len(done["all"]) == 22 and sorted(set(done["all"])) == sorted(
        ["completed", "diverged", "failed", "lost"]
    )
    sizes = [float(size) for size in done["up"]]
    assert sizes == sorted(sizes) and done["down"] == [*map(str, map(int, sorted(sizes)[::-1]))]
    assert done["sorted"] == "ascending"
    assert set(done["equal"]) == {"8"} and len(done["equal"]) == done["up"].count("8")
    assert {"64", "256", "1024"} == set(done["range"]) and len(done["range"]) < len(done["up"]) / 2
    assert done["diverged"] == [["64"], ["diverged"]] and done["nothing"] == []
    assert (done["expanded"], done["closed"], done["panels"]) == ("true", 0, 1)
    assert "run.curves.query(\"trial_id == '" in done["code"]
    assert "norm_batch_size64" in done["config"] and "batch_size256" in done["config"]
    assert done["width"] <= width and done["sparks"] == 1

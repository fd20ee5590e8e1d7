"""The page of a report in a real browser: it fits, it sorts, and it has no faults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.write import write_report
from caviar.analysis.results import results_of
from tests.analysis.browser import CHROMIUM, look, tried
from tests.analysis.synthetic import crossed, run_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

WIDTHS = (360, 1440)
Looks = dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def looks(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Looks:
    return look(report / "index.html", WIDTHS, tmp_path_factory.mktemp("browser"))


def test_the_page_was_seen_at_every_width(looks: Looks) -> None:
    assert set(looks) == set(WIDTHS)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("state", ["closed", "open"])
def test_nothing_is_wider_than_the_page(looks: Looks, width: int, state: str) -> None:
    scroll_width, wide = looks[width][state]
    assert wide == []
    assert scroll_width <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_there_are_no_faults_and_nothing_is_loaded(looks: Looks, width: int) -> None:
    assert looks[width]["faults"] == []
    assert [name for name in looks[width]["loaded"] if not name.startswith("data:")] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_of_a_figure_can_be_read(looks: Looks, width: int) -> None:
    """Nine pixels, on a phone too: panels stand below each other there, and maps are scrolled."""
    assert len(looks[width]["panels"]) >= 15
    for shown, smallest in looks[width]["panels"]:
        assert shown > 300 and smallest >= 9


def numbers(values: list[str]) -> list[float] | None:
    """The column as numbers, without what is missing; None if it has other texts."""
    try:
        return [float(value) for value in values if value]
    except ValueError:
        return None


def test_every_heading_sorts_its_table(looks: Looks, findings: Results) -> None:
    sorts = looks[1440]["sorts"]
    assert {"level", "mean", "rule", "error", "tracker_decay"} <= {s["column"] for s in sorts}
    for sort in sorts:
        up, down = sort["up"], sort["down"]
        assert sorted(up) == sorted(down) and sort["kept"], sort["column"]
        as_numbers = numbers(up)
        expected = sorted(up if as_numbers is None else as_numbers)
        assert (up if as_numbers is None else as_numbers) == expected, sort["column"]
        falling = down if as_numbers is None else numbers(down)
        assert falling == expected[::-1], sort["column"]


def test_numbers_are_not_sorted_as_text(looks: Looks) -> None:
    levels = [sort["up"] for sort in looks[1440]["sorts"] if sort["column"] == "level"]
    ends = {(float(up[0]), float(up[-1])) for up in levels}
    # As texts, 1024 comes before 8 and 256 before 8.
    assert {(8, 256), (8, 1024)} <= ends and all(low <= high for low, high in ends)


def test_missing_numbers_stay_together(looks: Looks) -> None:
    decays = [sort["up"] for sort in looks[1440]["sorts"] if sort["column"] == "tracker_decay"]
    assert decays
    assert any("" in up for up in decays)
    for up in decays:
        missing = up.count("")
        ends = (up[:missing], up[len(up) - missing :])
        assert [""] * missing in ends


def test_one_heading_says_how_it_is_sorted(looks: Looks) -> None:
    for sort in looks[360]["sorts"]:
        assert (sort["up_own"], sort["up_states"]) == ("ascending", ["ascending"])
        assert (sort["down_own"], sort["down_states"]) == ("descending", ["descending"])


HOVER = """
const mark = document.querySelector(".hits circle");
const tip = document.querySelector(".tip"), before = tip.hidden, words = mark.dataset.says;
mark.dispatchEvent(new PointerEvent("pointerenter"));
const box = tip.getBoundingClientRect();
const shown = {text: tip.innerText, hidden: tip.hidden, right: box.right,
  chosen: mark.closest("figure").querySelectorAll("svg .on").length};
mark.dispatchEvent(new PointerEvent("pointerleave"));
const svg = mark.closest("svg");
svg.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
const byKey = tip.innerText;
svg.dispatchEvent(new Event("blur"));
return {before, words, ...shown, after: tip.hidden, byKey, series: mark.parentNode.dataset.s,
  x: svg.dataset.x, y: svg.dataset.y};
"""


@pytest.mark.parametrize("width", WIDTHS)
def test_a_mark_tells_its_estimate_interval_and_seeds(
    report: Path, tmp_path: Path, width: int
) -> None:
    told = tried(report / "index.html", HOVER, width, tmp_path)
    number = r"[\d.\u2212]+"
    place, value = told["words"].split(": ")
    assert re.fullmatch(rf"{number} \[{number}, {number}\], [56] seeds", value), told["words"]
    assert told["text"].split("\n") == [
        told["series"],
        f"{told['x']} {place}".strip(),
        f"{value}; {told['y']}",
    ]
    assert (told["before"], told["hidden"], told["after"]) == (True, False, True)
    assert told["right"] <= width and told["chosen"] >= 2 and told["byKey"] == told["text"]


def test_a_long_name_fits_a_phone(tmp_path: Path) -> None:
    levels = {"dropout": [0.0, 0.5]}
    run = run_of(tmp_path, crossed(levels), scientific=levels, name="ghost_batches" * 5)
    page = write_report(results_of(run), tmp_path / "report")
    measured = look(page, (360,), tmp_path)
    assert measured[360]["closed"][0] <= 360

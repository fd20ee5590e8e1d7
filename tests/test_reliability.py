"""docs/reliability.md: its table names existing tests, and no row of it lost anything."""

from __future__ import annotations

import re
from pathlib import Path

from tests.reliability import BEGIN, END, PAGE, Row, matrix, table, written

ROOT = Path(__file__).resolve().parents[1]

REPORT = """<testsuites><testsuite>
<testcase classname="tests.runner.test_x" name="test_a[1]"><properties>
<property name="fault" value="it breaks"/><property name="injected" value="2"/>
<property name="rows_lost" value="0"/><property name="seconds_to_recover" value="1.50"/>
</properties></testcase>
<testcase classname="tests.runner.test_x" name="test_a[2]"><properties>
<property name="fault" value="it breaks"/><property name="injected" value="3"/>
<property name="rows_lost" value="1"/><property name="seconds_to_recover" value="0.25"/>
</properties></testcase>
<testcase classname="tests.runner.test_x" name="test_b"/>
</testsuite></testsuites>"""


def rows_of(page: str) -> list[list[str]]:
    """The cells of the page's fault matrix, without its header."""
    inside = page.partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in inside.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_a_report_becomes_a_row_a_fault(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    (tmp_path / "other.xml").write_text(REPORT)
    (row,) = matrix([tmp_path / "report.xml", tmp_path / "other.xml"])
    assert row == Row("it breaks", ["runner/test_x.py::test_a"], 10, 2, 1.5)
    (row,) = matrix([tmp_path / "report.xml"])
    assert row == Row("it breaks", ["runner/test_x.py::test_a"], 5, 1, 1.5)
    last = table([row]).splitlines()[-1]
    assert last == "| it breaks | `runner/test_x.py::test_a` | 5 | 1 | 1.5 |"


def test_the_table_takes_its_own_place(tmp_path: Path) -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert written(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter"
    assert written(written(page, "new"), "new") == written(page, "new")


def test_the_page_names_tests_that_are_there_and_no_row_was_lost() -> None:
    rows = rows_of(PAGE.read_text(encoding="utf-8"))
    assert len(rows) > 20
    for _, tests, injected, lost, _ in rows:
        assert int(injected.replace(",", "")) > 0 and lost == "0"
        for named in re.findall(r"`([^`]+)`", tests):
            path, _, test = named.partition("::")
            source = (ROOT / "tests" / path).read_text(encoding="utf-8")
            assert f"def {test}(" in source, named


def test_every_marked_test_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        for test in re.findall(r"def (test_\w+)\([^)]*\bfault: Fault", source):
            named = f"{path.relative_to(ROOT / 'tests').as_posix()}::{test}"
            assert named in page, f"{named}: python -m tests.reliability --write"

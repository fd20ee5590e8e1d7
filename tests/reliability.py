"""The fault matrix: `python -m tests.reliability` breaks all that can break and prints the table.

Words after it go to pytest: `-k disk`, `-n 3`, `-m "faults and not exhaustive"`. Words that end
with `.xml` are `--junitxml` reports made before, by other machines perhaps, in the place of a run.
`--write` puts the table into docs/reliability.md.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- fault matrix: python -m tests.reliability --write -->", "<!-- end -->"


@dataclass
class Row:
    """One fault, over all the tests that inject it."""

    fault: str
    tests: list[str] = field(default_factory=list)
    injected: int = 0
    rows_lost: int = 0
    seconds: float = 0.0

    def add(self, test: str, properties: dict[str, str]) -> None:
        if test not in self.tests:
            self.tests.append(test)
        self.injected += int(properties["injected"])
        self.rows_lost += int(properties["rows_lost"])
        self.seconds = max(self.seconds, float(properties["seconds_to_recover"]))


def matrix(reports: Iterable[Path]) -> list[Row]:
    """The rows of `--junitxml` reports, in the order of the tests' names."""
    rows: dict[str, Row] = {}
    roots = [ElementTree.parse(report).getroot() for report in reports]
    for case in (case for root in roots for case in root.iter("testcase")):
        properties = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
        if "fault" in properties:
            module = case.get("classname", "").removeprefix("tests.").replace(".", "/")
            name = case.get("name", "").partition("[")[0]
            row = rows.setdefault(properties["fault"], Row(properties["fault"]))
            row.add(f"{module}.py::{name}", properties)
    return sorted(rows.values(), key=lambda row: row.tests)


def table(rows: Iterable[Row]) -> str:
    """The matrix in Markdown."""
    lines = [
        "| fault | test | injected | rows lost | seconds to recover |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        tests = ", ".join(f"`{test}`" for test in row.tests)
        numbers = f"{row.injected:,} | {row.rows_lost:,} | {row.seconds:.1f}"
        lines.append(f"| {row.fault} | {tests} | {numbers} |")
    return "\n".join(lines)


def written(page: str, matrix: str) -> str:
    """The page with its matrix replaced by this one."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{matrix}\n\n{END}{after}"


def injected(words: list[str], report: Path) -> int:
    """Run the marked tests into a report; pytest's exit code."""
    asked = ["-n", "0", "-m", "faults", "-q", f"--junitxml={report}", *words]
    command = [sys.executable, "-m", "pytest", *asked]
    return subprocess.run(command, check=False, stdout=2).returncode


def main(words: list[str]) -> int:
    """Print (or write) the table; exits as pytest does."""
    reports = [Path(word) for word in words if word.endswith(".xml")]
    to_pytest = [word for word in words if word != "--write" and not word.endswith(".xml")]
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        if not reports:
            reports = [Path(folder) / "report.xml"]
            code = injected(to_pytest, reports[0])
        if not all(report.exists() for report in reports):
            print("no report: pytest was killed, or wrote none", file=sys.stderr)
            return code or 1
        page_table = table(matrix(reports))
    if "--write" in words and code == 0:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), page_table), encoding="utf-8")
    print(page_table)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

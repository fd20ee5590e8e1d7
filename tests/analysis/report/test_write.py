"""The files of a report: equal to the tables, whole, and the same every time."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import FINDINGS
from caviar.analysis.report.figure_files import picture_and_files
from caviar.analysis.report.page.picture import Drawing, Picture, picture_of
from caviar.analysis.report.page.section import LONG, MOST_ROWS
from caviar.analysis.report.page_order import OVERVIEW
from caviar.analysis.report.write import write_report
from tests.analysis.page import Page, in_page_order, not_drawn, read_page, run_code
from tests.analysis.synthetic import World, crossed, results_in, run_of, stored_run, wiggle

OF_A_DESIGN = [finding for finding in FINDINGS if finding.name != "field_importance"]
"""Without what is told of random searches alone."""
WITH_TABLE = in_page_order([finding for finding in OF_A_DESIGN if finding.title])
WITH_FIGURE = [finding for finding in (OVERVIEW, *OF_A_DESIGN) if finding.draw is not None]


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return read_page(report)


def test_every_table_is_a_csv_file(report: Path, findings: Results) -> None:
    assert {p.stem for p in (report / "tables").iterdir()} == findings.tables().keys()
    for name, table in findings.tables().items():
        text = (report / "tables" / f"{name}.csv").read_text(encoding="utf-8")
        read = pd.read_csv(io.StringIO(text), dtype={"trial_id": str}, keep_default_na=False)
        assert list(read.columns) == list(table.columns)
        assert len(read) == len(table) and (len(table) or name == "field_importance")
        for column in table.select_dtypes("number"):
            shown = pd.to_numeric(read[column].replace("", None)).to_numpy(float)
            assert np.array_equal(shown, table[column].to_numpy(float), equal_nan=True)


def test_no_figure_is_a_file_unless_asked_for(report: Path, page: Page) -> None:
    assert sorted(p.name for p in report.iterdir()) == ["index.html", "tables"]
    drawn = {str(svg["aria-label"]) for svg in page.all("svg") if svg.get("class") == "panel"}
    for finding in WITH_FIGURE:
        assert any(label.startswith(finding.alt) for label in drawn), finding.name


def same_bytes(report: Path, findings: Results, again: Path, drawing: Drawing) -> None:
    """Write the report once more, over the files of an earlier one."""
    for old in ("index.html", "tables/losses.csv"):
        (again / old).parent.mkdir(parents=True, exist_ok=True)
        (again / old).write_text("an earlier one, and longer\n" * 99_999, encoding="utf-8")
    write_report(results_in(findings.run, *findings.beside), again, drawing=drawing)
    files = sorted(p.relative_to(report) for p in report.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for file in files:
        assert (report / file).read_bytes() == (again / file).read_bytes(), file


def some_figures(draw: Callable[[Results], Figure], results: Results, path: Path) -> Picture | None:
    """Lines, bars and a map, also as files; a slow test draws all."""
    few = path.name in ("overview", "penalty_split", "penalties")
    return picture_and_files(draw, results, path) if few else None


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    trials = crossed(levels, seeds=range(2), conventions=("unbiased",), probe_batch_sizes=(8,))
    results = results_in(run_of(tmp_path, trials, scientific=levels))
    write_report(results, tmp_path / "report", drawing=some_figures)
    same_bytes(tmp_path / "report", results, tmp_path / "again", some_figures)


@pytest.mark.slow
def test_every_figure_is_the_same_bytes(report: Path, findings: Results, tmp_path: Path) -> None:
    same_bytes(report, findings, tmp_path, picture_of)


def test_every_code_line_runs_and_gives_the_table(report: Path, page: Page) -> None:
    assert len(page.codes) == len(page.behind) == len(WITH_TABLE)
    first = WITH_TABLE[0].name
    results = run_code(page.codes[0].removesuffix(f'["{first}"]'))  # read once
    for finding, code, shown in zip(WITH_TABLE, page.codes, page.behind, strict=True):
        assert code == page.codes[0].replace(first, finding.name)
        table = results[finding.name]
        csv = (report / "tables" / f"{finding.name}.csv").read_text(encoding="utf-8")
        assert table.to_csv(index=False) == csv
        assert shown[0] == list(table.columns)


def test_the_page_shows_the_tables(page: Page, findings: Results) -> None:
    arms, _sizes, *others = page.values
    for finding, shown, values in zip(WITH_TABLE, page.behind, [arms, *others], strict=True):
        table = findings[finding.name]
        if len(table) > LONG:
            table = findings.reading(finding.name)[:MOST_ROWS]
        assert len(shown) - 1 == len(table)
        for cells, row in zip(values[1:], table.itertuples(index=False), strict=True):
            for shown_value, value in zip(cells, row, strict=True):
                if isinstance(value, float) and math.isnan(value):
                    assert shown_value == ""
                elif isinstance(value, float | int) and not isinstance(value, bool):
                    assert float(shown_value) == pytest.approx(value, rel=1e-8)
                else:
                    assert shown_value == str(value)


def test_the_number_of_rows_is_said(page: Page, findings: Results) -> None:
    summaries = [text for text in page.texts["summary"] if "rows behind it" in text]
    for text, finding, shown in zip(summaries, WITH_TABLE, page.behind, strict=True):
        on_page, rows = len(shown) - 1, len(findings[finding.name])
        cut = f"{on_page} of {rows} rows behind it"
        assert text.removeprefix("How to read it, and ") == (
            f"{rows} rows behind it" if on_page == rows else cut
        )


RULES, DECAYS = ("biased", "unbiased", "debiased"), (0.5, 0.7)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with more than 60 rows of errors, and nothing to tell of a best draw."""
    levels = {"norm_batch_size": [8, 64, 256]}
    root = tmp_path_factory.mktemp("large")
    world = World(damage=lambda config, seed, tracker: -0.01 + wiggle(config, seed))
    trials = crossed(levels, rates=(0.1, 0.2), hidden=(8, 8), conventions=RULES, decays=DECAYS)
    results = results_in(stored_run(root, trials, world, scientific=levels))
    write_report(results, root / "report", drawing=not_drawn)
    return root / "report"


def keys_of(report: Path) -> list[str]:
    """The sections with a table that is not empty, in the order of the page."""
    written_tables = {p.stem for p in (report / "tables").iterdir() if len(pd.read_csv(p))}
    return [finding.name for finding in WITH_TABLE if finding.name in written_tables]


def test_a_long_table_is_cut_to_one_reading(large: Path) -> None:
    shown = read_page(large).behind[keys_of(large).index("statistics_error")]
    rows = pd.read_csv(large / "tables" / "statistics_error.csv")
    assert len(rows) > LONG
    assert {row[0] for row in shown[1:]} == {"best draw"}
    assert len(shown) - 1 == min(MOST_ROWS, (rows["reading"] == "best draw").sum())


def test_a_cut_table_says_that_it_is_cut(large: Path) -> None:
    page = read_page(large)
    position = keys_of(large).index("statistics_error")
    summary = [text for text in page.texts["summary"] if "rows behind it" in text][position]
    assert str(len(run_code(page.codes[position]))) in summary


def test_every_table_can_be_read(large: Path) -> None:
    """Also where there is nothing to tell: two sizes from 8 to half of 256 have no exponent."""
    assert not [p for p in (large / "tables").iterdir() if pd.read_csv(p).columns.empty]

"""The files of a report: equal to the tables, whole, and the same every time."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import FINDINGS
from caviar.analysis.report.figure_files import Drawing, figure_files
from caviar.analysis.report.page_order import OVERVIEW
from caviar.analysis.report.write import Cell, _cell, write_report
from tests.analysis.page import Page, not_drawn, read_page, run_code
from tests.analysis.synthetic import World, crossed, results_in, run_of, stored_run, wiggle

WITH_TABLE = [finding for finding in FINDINGS if finding.title]
WITH_FIGURE = [finding for finding in (OVERVIEW, *FINDINGS) if finding.draw is not None]


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return read_page(report)


def test_every_table_is_a_csv_file(report: Path, findings: Results) -> None:
    assert {p.stem for p in (report / "tables").iterdir()} == findings.tables().keys()
    for name, table in findings.tables().items():
        text = (report / "tables" / f"{name}.csv").read_text(encoding="utf-8")
        read = pd.read_csv(io.StringIO(text), dtype={"trial_id": str}, keep_default_na=False)
        assert list(read.columns) == list(table.columns)
        assert len(read) == len(table) > 0
        for column in table.select_dtypes("number"):
            shown = pd.to_numeric(read[column].replace("", None)).to_numpy(float)
            assert np.array_equal(shown, table[column].to_numpy(float), equal_nan=True)


@pytest.mark.parametrize("finding", WITH_FIGURE, ids=lambda finding: finding.name)
def test_every_figure_is_whole_and_is_the_one_on_the_page(
    report: Path, page: Page, finding: Any
) -> None:
    svg = (report / "figures" / f"{finding.name}.svg").read_bytes()
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    png = report / "figures" / f"{finding.name}.png"
    assert png.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(png)
    assert pixels.shape[0] > 300 and pixels.shape[1] > 500 and pixels.std() > 0.01
    image = next(i for i in page.all("img") if i["alt"] == finding.alt)
    assert base64.b64decode(str(image["src"]).partition("base64,")[2]) == svg


def same_bytes(report: Path, findings: Results, again: Path, drawing: Drawing) -> None:
    """Write the report once more, over the files of an earlier one."""
    for old in ("index.html", "figures/overview.svg", "tables/losses.csv"):
        (again / old).parent.mkdir(parents=True, exist_ok=True)
        (again / old).write_text("an earlier one, and longer\n" * 99_999, encoding="utf-8")
    write_report(results_in(findings.run, *findings.beside), again, drawing=drawing)
    files = sorted(p.relative_to(report) for p in report.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for file in files:
        assert (report / file).read_bytes() == (again / file).read_bytes(), file


def some_figures(
    draw: Callable[[Results], Figure], results: Results, path: Path
) -> tuple[str, float]:
    """Lines, bars and a map; a slow test draws all."""
    few = path.name in ("overview", "effect_of_size", "penalty_split", "statistics_error")
    return (figure_files if few else not_drawn)(draw, results, path)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    trials = crossed(levels, seeds=range(2), conventions=("unbiased",), probe_batch_sizes=(8,))
    results = results_in(run_of(tmp_path, trials, scientific=levels))
    write_report(results, tmp_path / "report", drawing=some_figures)
    same_bytes(tmp_path / "report", results, tmp_path / "again", some_figures)


@pytest.mark.slow
def test_every_figure_is_the_same_bytes(report: Path, findings: Results, tmp_path: Path) -> None:
    same_bytes(report, findings, tmp_path, figure_files)


def test_every_code_line_runs_and_gives_the_table(report: Path, page: Page) -> None:
    assert len(page.codes) == len(page.tables) == len(WITH_TABLE)
    results = run_code(page.codes[0].removesuffix(f'["{WITH_TABLE[0].name}"]'))  # read once
    for finding, code, shown in zip(WITH_TABLE, page.codes, page.tables, strict=True):
        assert code == page.codes[0].replace(WITH_TABLE[0].name, finding.name)
        table = results[finding.name]
        csv = (report / "tables" / f"{finding.name}.csv").read_text(encoding="utf-8")
        assert table.to_csv(index=False) == csv
        assert shown[0] == list(table.columns)


def test_the_page_shows_the_tables(page: Page, findings: Results) -> None:
    for finding, shown, values in zip(WITH_TABLE, page.tables, page.values, strict=True):
        table = findings[finding.name]
        if len(table) > 200:
            table = findings.reading(finding.name)
        assert len(shown) - 1 == len(table)
        for cells, row in zip(values[1:], table.itertuples(index=False), strict=True):
            for cell, value in zip(cells, row, strict=True):
                if isinstance(value, float) and math.isnan(value):
                    assert cell == ""
                elif isinstance(value, float | int) and not isinstance(value, bool):
                    assert float(cell) == value
                else:
                    assert cell == str(value)


def test_the_number_of_rows_is_said(page: Page, findings: Results) -> None:
    summaries = [text for text in page.texts["summary"] if "rows behind it" in text]
    for text, finding, shown in zip(summaries, WITH_TABLE, page.tables, strict=True):
        on_page, rows = len(shown) - 1, len(findings[finding.name])
        cut = f"{on_page} of {rows} rows behind it (the others are in the CSV)"
        assert text == (f"{rows} rows behind it" if on_page == rows else cut)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (8.0, Cell("8", "8.0", True)),
        (256, Cell("256", "256.0", True)),
        (0.0213456, Cell("0.0213", "0.0213456", True)),
        (-0.5, Cell("\N{MINUS SIGN}0.5", "-0.5", True)),
        (math.nan, Cell("–", "", True)),
        (True, Cell("True", "True", False)),
        ("", Cell("", "", False)),
        ("a < b", Cell("a < b", "a < b", False)),
        (None, Cell("", "", False)),
        (pd.NA, Cell("", "", False)),
    ],
)
def test_a_cell(value: object, cell: Cell) -> None:
    assert _cell(value) == cell


def test_a_whole_number_below_zero_has_a_minus_sign() -> None:
    assert _cell(-2.0).text == "\N{MINUS SIGN}2"


RULES, DECAYS = ("biased", "unbiased", "debiased"), (0.5, 0.7)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with more than 200 rows of errors, and nothing to tell of a best draw."""
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
    shown = read_page(large).tables[keys_of(large).index("statistics_error")]
    rows = pd.read_csv(large / "tables" / "statistics_error.csv")
    assert len(rows) > 200
    assert {row[0] for row in shown[1:]} == {"best draw"}
    assert len(shown) - 1 == (rows["reading"] == "best draw").sum()


def test_a_cut_table_says_that_it_is_cut(large: Path) -> None:
    page = read_page(large)
    position = keys_of(large).index("statistics_error")
    summary = [text for text in page.texts["summary"] if "rows behind it" in text][position]
    assert str(len(run_code(page.codes[position]))) in summary


def test_every_table_can_be_read(large: Path) -> None:
    """Also where there is nothing to tell: two sizes from 8 to half of 256 have no exponent."""
    assert not [p for p in (large / "tables").iterdir() if pd.read_csv(p).columns.empty]

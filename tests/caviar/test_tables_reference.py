"""`docs/tables.md`: every column of every table, with unit, meaning and range."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import caviar
from caviar.analysis.findings.registry import FINDINGS
from caviar.analysis.interventions.columns import DECLARED
from caviar.runner.panda.record.tables import DECLARED as PANDA_TABLES
from caviar.runner.store.schemas import SCHEMAS
from caviar.tables_reference import Row, measured_columns, page
from tests.runner.helpers import TINY

COLUMNS = measured_columns()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> caviar.Run:
    where = tmp_path_factory.mktemp("tables") / "run"
    settings = [*TINY, "replicas=1", "draws.count=1", "shadow=true"]
    return caviar.run(caviar.read_study(None, settings), out=where, on="inline")


def test_every_column_of_every_schema_is_there_in_its_order() -> None:
    assert list(COLUMNS) == list(SCHEMAS)
    for table, schema in SCHEMAS.items():
        assert [name for name, *_ in COLUMNS[table]] == schema.names, table


def test_every_cell_says_something() -> None:
    rows = [(table, row) for table, declared in COLUMNS.items() for row in declared]
    assert not [(table, row) for table, row in rows if not all(cell.strip() for cell in row)]
    assert not [row for _, row in rows if not row[2].endswith(".")]


def test_the_page_has_every_table_and_names_what_is_renamed() -> None:
    text = page()
    heads = [line[4:] for line in text.splitlines() if line.startswith("### ")]
    computed = [finding.name for finding in FINDINGS]
    edited = [table.name for table in DECLARED]
    assert heads == [*COLUMNS, *computed, *PANDA_TABLES, *edited]
    for old, table, new in (
        ("learning_rate", "curves", "scheduled_learning_rate"),
        ("norm_batch_size", "evaluations", "probe_batch_size"),
        ("norm_batch_size", "noise", "probe_batch_size"),
    ):
        assert f"`{old}` of `{table}` is `{new}`" in text


ENDS = {"0 to 1": (0, 1), "0 or more": (0, math.inf), "1 or more": (1, math.inf)}


@pytest.mark.parametrize("table", ["curves", "evaluations", "statistics", "noise", "outcomes"])
def test_what_a_run_writes_lies_in_the_range_that_is_said(table: str, run: caviar.Run) -> None:
    rows = pd.read_parquet(Path(run.where) / table)
    assert len(rows)
    for column in COLUMNS[table]:
        _holds(column, rows)


def _holds(column: Row, rows: pd.DataFrame) -> None:
    name, _, _, between = column
    if between in ENDS:
        low, high = ENDS[between]
        assert rows[name].dropna().between(low - 1e-12, high).all(), name
    elif " or " in between and rows[name].dtype == object and ", " in between:
        words = set(between.replace(" or ", ", ").split(", "))
        assert set(rows[name]) <= words, name

"""Texts of small tables are Python's own, and the option that says so is the user's again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.run import small_strings as holding
from caviar.analysis.run.small_strings import small_strings
from tests.analysis.synthetic import crossed, results_in, run_of

LEVELS = {"norm_batch_size": [8, 64]}


def storages(frame: pd.DataFrame) -> set[str]:
    """How the columns of text are held."""
    texts = [dtype for dtype in frame.dtypes if isinstance(dtype, pd.StringDtype)]
    assert texts and all(dtype == "str" for dtype in texts)
    return {dtype.storage for dtype in texts}


def test_small_tables_and_what_is_computed_from_them_hold_pythons_strings(tmp_path: Path) -> None:
    before = pd.options.mode.string_storage
    results = results_in(run_of(tmp_path, crossed(LEVELS), scientific=LEVELS))
    assert storages(results.run.evaluations) == {"python"}
    assert storages(results["losses"]) == {"python"}
    assert pd.options.mode.string_storage == before


def test_the_option_is_restored_after_an_error() -> None:
    before = pd.options.mode.string_storage
    with pytest.raises(KeyError), small_strings():
        raise KeyError
    assert pd.options.mode.string_storage == before


def test_a_large_table_is_held_as_pandas_would_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = results_in(run_of(tmp_path, crossed(LEVELS), scientific=LEVELS))
    monkeypatch.setattr(holding, "MANY_ROWS", 0)
    large = results_in(run_of(tmp_path, crossed(LEVELS), scientific=LEVELS))
    usual = pd.Series(["x"]).dtype
    assert storages(large.run.evaluations) == {usual.storage}
    for name, table in small.tables().items():
        held_alike = large[name].astype(table.dtypes)
        pd.testing.assert_frame_equal(
            table, held_alike, check_exact=True, check_column_type=False, obj=name
        )

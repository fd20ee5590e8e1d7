"""Rows of shared trials held side by side, bit for bit."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from caviar.analysis.compare.rows import _apart
from caviar.analysis.compare.runs import compare
from caviar.analysis.compare.text import opening
from caviar.analysis.run.read import Run, read_run
from tests.analysis.compare.two_runs import RATES, SIZES, changed
from tests.analysis.synthetic import crossed, stored_run


@pytest.mark.parametrize(
    ("table", "column", "far"),
    [("curves", "loss", 3e-7), ("noise", "mean_variance", 1e-6), ("evaluations", "loss", 3e-7)],
)
def test_the_last_digits(here: Run, tmp_path: Path, table: str, column: str, far: float) -> None:
    shutil.copytree(here.where, tmp_path / "b")
    value = getattr(here, table)[column].iloc[5]
    changed(tmp_path / "b", table, column, 5, value + far)
    two = compare(here, read_run(tmp_path / "b"))
    assert two.verdict == "last digits" and two.bits.differing == 1
    (parted,) = [compared for compared in two.bits.tables if compared.largest]
    assert parted.table == table and parted.largest == {column: pytest.approx(far, rel=1e-6)}
    assert two.bits.first is not None and two.bits.first.column == column
    assert two.bits.first.first_value == value and two.bits.first.second_value == value + far
    nats = "3e-07" if column == "loss" else "0"
    assert opening(two).startswith(
        f"The runs differ in the last digits: losses by at most {nats} nats, 1 of "
    )


def test_lists_are_compared_by_content(here: Run, tmp_path: Path) -> None:
    shutil.copytree(here.where, tmp_path / "b")
    changed(tmp_path / "b", "predictions", "log_probabilities", 2, [math.log(0.25), -0.3])
    (parted,) = [t for t in compare(here, read_run(tmp_path / "b")).bits.tables if t.differing]
    assert parted.table == "predictions" and parted.differing == 1
    assert parted.largest == {"log_probabilities": pytest.approx(math.log(0.75) + 0.3)}


def test_the_first_difference_is_the_earliest(here: Run, tmp_path: Path) -> None:
    shutil.copytree(here.where, tmp_path / "b")
    late = int(here.curves.index[here.curves["step"] == 10][0])
    early = int(here.noise.index[(here.noise["step"] == 5) & (here.noise["seed"] == 4)][0])
    changed(tmp_path / "b", "curves", "loss", late, 9.0)
    changed(tmp_path / "b", "noise", "coupling", early, 9.0)
    first = compare(here, read_run(tmp_path / "b")).bits.first
    assert first is not None and (first.table, first.column) == ("noise", "coupling")
    assert first.place["step"] == 5 and first.place["seed"] == 4


def test_rows_in_another_order_are_the_same_rows(tmp_path: Path) -> None:
    trials = crossed(SIZES, rates=RATES)
    here = stored_run(tmp_path / "a", trials, scientific=SIZES)
    reversed_run = stored_run(tmp_path / "b", trials[::-1], scientific=SIZES)
    assert here.curves["trial_id"].iloc[0] != reversed_run.curves["trial_id"].iloc[0]
    assert compare(here, reversed_run).verdict == "same"


def test_one_row_of_one_run_alone(here: Run, tmp_path: Path) -> None:
    shutil.copytree(here.where, tmp_path / "b")
    (part,) = (tmp_path / "b" / "noise").glob("part-*.parquet")
    pq.write_table(pq.read_table(part).slice(1), part)
    bits = compare(here, read_run(tmp_path / "b")).bits
    assert (bits.alone, bits.differing) == (1, 0)


def test_two_values_are_the_same_where_all_bits_are_or_both_are_nan() -> None:
    values = np.array([math.nan, 0.0, 1.0, math.inf, math.nan])
    others = np.array([-math.nan, -0.0, np.nextafter(1.0, 2.0), math.inf, 1.0])
    assert _apart(values, others).tolist() == [False, True, True, False, True]

"""A comparison in words and as data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from caviar.analysis.compare.runs import compare
from caviar.analysis.compare.text import data, text
from caviar.analysis.run.read import read_run
from tests.analysis.compare.two_runs import SIZES, run, shifted
from tests.analysis.synthetic import crossed, size, write_run


def test_the_data_are_plain_and_whole(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b", shifted, seeds=range(3))
    two = compare(first, second)
    plain = data(two, first, second)
    assert plain["verdict"] == "not significantly" and "five units" in plain["sentence"]
    assert len(plain["differences"]) == len(two.differences)
    assert plain["differences"][0]["low"] is None
    assert plain["runs"][0]["trials"]["completed"] == 4


def test_many_differences_are_few_lines(tmp_path: Path) -> None:
    decays = tuple(0.5 + i / 100 for i in range(20))
    here = run(tmp_path / "a", decays=decays)
    second = run(tmp_path / "b", shifted, decays=decays, momentum=0.8)
    two = compare(here, second)
    assert len(two.differences) > 40 and isinstance(two.differences, pd.DataFrame)
    lines = text(two, here, second).splitlines()
    starred = [line for line in lines if line.endswith(" *")]
    assert len(starred) == two.differences["sure"].sum()
    rest = len(two.differences) - len(starred)
    assert lines[-1] == f"  and {rest} more; --json prints all"


def test_unfinished_trials_are_counted(tmp_path: Path) -> None:
    trials = crossed(SIZES)
    write_run(
        tmp_path,
        trials,
        scientific=SIZES,
        status=lambda c: "failed" if size(c) == 8 else "completed",
    )
    half = read_run(tmp_path)
    assert "trials 2 planned, 1 completed, 1 failed" in text(compare(half, half), half, half)

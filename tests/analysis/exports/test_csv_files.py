"""CSV files hold what the data frames hold."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from caviar.analysis.exports.csv_files import write_csv
from tests.analysis.synthetic import run_of, trial


def test_every_table_comes_back(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [trial(norm_batch_size=8, hidden=(8, 4))])
    assert write_csv(run, tmp_path / "csv") == 7
    read = pd.read_csv(tmp_path / "csv" / "evaluations.csv", keep_default_na=False)
    assert list(read.columns) == list(run.evaluations.columns)
    assert read["loss"].astype(float).tolist() == run.evaluations["loss"].tolist()
    trials = pd.read_csv(tmp_path / "csv" / "trials.csv")
    assert json.loads(trials["hidden"].item()) == [8, 4]


def test_a_table_without_rows_has_no_file(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [trial(norm="layer")])
    assert write_csv(run, tmp_path / "csv") == 4
    assert not (tmp_path / "csv" / "noise.csv").exists()

"""`caviar compare` as a user starts it, on small real runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.schemas import ROW_TABLES
from tests.runner.helpers import TINY, caviar, ended_well, parts, settings_of

SMALL = (*settings_of(TINY), "--set", "replicas=5", "--on", "inline", "--no-report", "--out")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One study twice, in another folder and order of rows; then with another momentum."""
    home = tmp_path_factory.mktemp("home")
    ended_well("run", *SMALL, "one", cwd=home)
    ended_well("run", *SMALL, "two", "--trials", "1", cwd=home)
    ended_well("run", *SMALL, "two", cwd=home)
    ended_well("run", *SMALL, "slow", "--set", "learning_rate=1e-5", cwd=home)
    return home


def test_one_study_twice_is_the_same(home: Path) -> None:
    rows = sum(
        len(read_rows(storage_at(home / "one"), table, ["seed"])["seed"]) for table in ROW_TABLES
    )
    first, *_ = ended_well("compare", "one", "two", cwd=home).splitlines()
    assert first == f"The runs are the same, bit for bit, in all {rows:,} rows."


def test_the_last_digit_of_one_value(home: Path, tmp_path: Path) -> None:
    other = shutil.copytree(home / "one", tmp_path / "other")
    (part,) = parts(other, "curves")
    table = pq.read_table(part)
    loss = table["loss"].to_numpy().copy()
    loss[7] = np.nextafter(loss[7], np.inf)
    column = table.column_names.index("loss")
    pq.write_table(table.set_column(column, "loss", pa.array(loss)), part)
    comparison = json.loads(ended_well("compare", home / "one", other, "--json", cwd=tmp_path))
    assert comparison["verdict"] == "last digits" and comparison["bits"]["differing"] == 1
    (parted,) = [compared for compared in comparison["bits"]["tables"] if compared["differing"]]
    assert parted["first"]["there"] == loss[7] and parted["first"]["column"] == "loss"
    assert 0 < parted["largest"]["loss"] < 1e-15


def test_a_sure_difference_is_exit_code_1(home: Path) -> None:
    done = caviar("compare", "one", "slow", cwd=home)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("They differ: ")
    assert "\nThe studies differ in\n  fixed.learning_rate: " in done.stdout
    assert " paired by seed and draw, 95 % intervals;" in done.stdout
    as_data = json.loads(caviar("compare", "one", "slow", "--json", cwd=home).stdout)
    assert as_data["verdict"] == "differ" and any(row["sure"] for row in as_data["differences"])


def refused(*words: str | Path, cwd: Path) -> str:
    done = caviar("compare", *words, cwd=cwd)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    return line


def test_a_folder_that_is_no_run_is_refused(home: Path, tmp_path: Path) -> None:
    for pair in ((tmp_path, home / "one"), (home / "one", tmp_path)):
        message = refused(*pair, cwd=home)
        assert message == f"caviar: {str(tmp_path)!r} is not a run: it has no study.json"


def test_an_unfinished_run_is_refused(home: Path, tmp_path: Path) -> None:
    half = shutil.copytree(home / "two", tmp_path / "half")
    parts(half, "outcomes")[-1].unlink()
    message = refused(home / "one", half, cwd=home)
    assert message.startswith(
        f"caviar: {str(half)!r} is not finished: 3 of 4 trials are not yet tried;"
    )


def test_nothing_in_common_is_refused(home: Path) -> None:
    ended_well("run", *SMALL, "eight", "--set", "norm_batch_size=[8]", cwd=home)
    message = refused("one", "eight", cwd=home)
    assert message == (
        "caviar: the runs have no level in common: one has norm_batch_size = 4 | 16; "
        "eight has norm_batch_size = 8"
    )

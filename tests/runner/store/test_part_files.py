"""The part files of a table: whole, numbered, and read together."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.store.compact import compact
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import (
    over_parts,
    parquet,
    part_names,
    read_columns,
    read_part,
    read_rows,
    rows_of,
    write_part,
)
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.store.sink import to_table
from tests.runner.helpers import block


def test_columns_are_read_over_all_parts_in_order(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    assert read_rows(storage, "curves", ["step", "trial_id"]) == {"step": [], "trial_id": []}
    for trial in ("a", "b"):
        write_part(storage, "curves", to_table(block(trial_id=trial, rows=2)))
    assert part_names(storage, "curves") == ["part-000000.parquet", "part-000001.parquet"]
    columns = read_columns(storage, "curves", ["trial_id", "step"])
    assert columns.column_names == ["trial_id", "step"]
    assert columns.to_pydict() == {"trial_id": ["a", "a", "b", "b"], "step": [0, 1, 0, 1]}


def test_rows_of_some_trials_have_every_column(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    for trial in ("a", "b", "c"):
        write_part(storage, "noise", to_table(block("noise", trial_id=trial)))
    rows = rows_of(storage, "noise", ["a", "c", "d"])
    assert rows.schema == SCHEMAS["noise"] and rows.num_rows == 6
    assert set(rows["trial_id"].to_pylist()) == {"a", "c"}
    assert rows_of(storage, "curves", ["a"]).num_rows == 0


def test_a_part_is_read_as_its_table_is_declared(tmp_path: Path) -> None:
    """One of another caviar, with a narrower type, a column less and one more."""
    storage, rows = storage_at(tmp_path), to_table(block(rows=2))
    narrow = rows.set_column(rows.column_names.index("step"), "step", rows["step"].cast("int32"))
    last = SCHEMAS["curves"].names[-1]
    write_part(storage, "curves", narrow.drop_columns([last]).append_column("more", rows["step"]))
    read = read_part(storage, "curves", "part-000000.parquet", None)
    assert read.schema == SCHEMAS["curves"] and read[last].null_count == 2
    assert read.drop_columns([last]) == rows.drop_columns([last])


def test_a_part_that_is_none_is_named(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    write_part(storage, "curves", to_table(block()))
    (tmp_path / "curves/part-000000.parquet").write_bytes(b"PAR1 half")
    with pytest.raises(RequestError, match=r"curves/part-000000\.parquet in '.*' cannot be read"):
        read_part(storage, "curves", "part-000000.parquet", ["step"])


def test_what_a_crash_left_behind_is_not_read(tmp_path: Path) -> None:
    write_part(storage_at(tmp_path), "curves", to_table(block()))
    (tmp_path / "curves" / ".part-000001.parquet.tmp").write_bytes(b"PAR1 half")
    assert len(pd.read_parquet(tmp_path / "curves")) == 3
    assert len(pq.read_table(tmp_path / "curves")) == 3


def test_the_next_part_takes_the_next_number(tmp_path: Path) -> None:
    storage, curves = storage_at(tmp_path), tmp_path / "curves"
    for _ in range(2):
        write_part(storage, "curves", to_table(block()))
    (curves / "part-000041.parquet").write_bytes((curves / "part-000000.parquet").read_bytes())
    assert write_part(storage, "curves", to_table(block())) == "curves/part-000042.parquet"


def test_parts_that_are_merged_while_they_are_read_are_read_again(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    for trial in "abc":
        write_part(storage, "curves", to_table(block(trial_id=trial)))
    tried: list[str] = []

    def read(name: str) -> list[str]:
        tried.append(name)
        if len(tried) == 2:
            compact(storage)
        trials: list[str] = read_part(storage, "curves", name, None)["trial_id"].to_pylist()
        return trials

    rows = over_parts(storage, "curves", read, at_once=1)
    assert [trial for part in rows for trial in part] == list("aaabbbccc")
    assert tried[:2] + tried[-1:] == [
        "part-000000.parquet",
        "part-000001.parquet",
        "part-000000to000002.parquet",
    ]


def test_a_listing_made_while_parts_are_merged_is_made_again(tmp_path: Path) -> None:
    class Late(LocalFolder):
        listings = 0

        def names(self, folder: str) -> list[str]:
            """At first without the parts that were removed, nor the one that came meanwhile."""
            self.listings += 1
            return [] if self.listings == 1 else super().names(folder)

    storage = Late(tmp_path)
    for number in range(2):
        name = f"part-00000{number}.parquet"
        LocalFolder(tmp_path).write(f"curves/{name}", parquet(to_table(block())))
    compact(LocalFolder(tmp_path))
    assert read_columns(storage, "curves", ["step"]).num_rows == 6 and storage.listings == 4


def test_a_part_that_is_listed_and_cannot_be_found_is_no_endless_loop(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    write_part(storage, "curves", to_table(block()))

    def missing(name: str) -> None:
        raise FileNotFoundError(name)

    with pytest.raises(FileNotFoundError):
        over_parts(storage, "curves", missing)

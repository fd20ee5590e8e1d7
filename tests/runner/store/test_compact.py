"""Many part files become few: the same rows in the same order, and nothing else changes."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.store import compact as module
from caviar.runner.store.compact import compact
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import (
    part_names,
    read_rows,
    write_part,
)
from caviar.runner.store.schemas import ROW_TABLES, SCHEMAS
from caviar.runner.store.sink import to_table
from caviar.runner.verify.run import verify_run
from tests.faults.program import MANY, in_parts, run_at_every_step, run_here
from tests.runner.helpers import block, caviar, ended_well, parts, same_tables, tables


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose every row waited for nothing: many part files."""
    root = tmp_path_factory.mktemp("made") / "run"
    assert run_at_every_step(root, *MANY).code == 0
    return root


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def in_order(root: Path, table: str) -> pa.Table:
    """The rows of a table as the files hold them, one after another."""
    return pa.concat_tables([pq.read_table(part) for part in parts(root, table)])


def test_rows_keep_their_order_and_their_bits_and_nothing_else_changes(run: Path) -> None:
    before = {table: in_order(run, table) for table in SCHEMAS}
    many = sum(len(parts(run, table)) for table in SCHEMAS)
    others = {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.suffix != ".parquet"}
    shown, checked = tables(run), verify_run(storage_at(run))
    assert compact(storage_at(run)) == (many, 7) and many > 21
    for table, rows in before.items():
        (part,) = parts(run, table)
        merged = pq.read_table(part)
        # As text: NaN equals NaN, and no sign or digit is lost.
        assert repr(merged.to_pylist()) == repr(rows.to_pylist())
        assert merged.schema.equals(rows.schema, check_metadata=True)
    assert all(path.read_bytes() == content for path, content in others.items())
    same_tables(tables(run), shown)
    findings = verify_run(storage_at(run))
    assert not findings.faults
    assert findings.lines[1:] == checked.lines[1:] and "5 part files" not in findings.lines[0]
    assert compact(storage_at(run)) == (7, 7)
    assert "0 trials to run" in run_here(run, *MANY).output


def test_trials_of_merged_parts_are_computed_again_to_the_same_bits(run: Path) -> None:
    of_trial = Counter(
        trial
        for t in ROW_TABLES
        for trial in read_rows(storage_at(run), t, ["trial_id"])["trial_id"]
    )
    assert compact(storage_at(run)).after == len(SCHEMAS) and len(of_trial) == 2
    for trial, rows in of_trial.items():
        line = ended_well("replay", run, trial, cwd=run)
        assert f"trial {trial}: the same bits in all {rows} rows" in line


def test_parts_that_come_later_are_numbered_and_sorted_after_it(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    in_parts(folder, "abc")
    assert compact(folder) == (3, 1)
    in_parts(folder, "de")
    assert part_names(folder, "curves") == [
        "part-000000to000002.parquet",
        "part-000003.parquet",
        "part-000004.parquet",
    ]
    assert compact(folder) == (3, 1)
    assert part_names(folder, "curves") == ["part-000000to000004.parquet"]
    assert read_rows(folder, "curves", ["trial_id"])["trial_id"] == list("aaabbbcccdddeee")


def test_a_file_does_not_grow_beyond_what_readers_have_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = 3 * len(SCHEMAS["curves"].names)
    monkeypatch.setattr(module, "VALUES", 3 * values)
    folder = LocalFolder(tmp_path)
    in_parts(folder, "abcdefg")
    assert compact(folder) == (7, 3)
    assert part_names(folder, "curves") == [
        "part-000000to000002.parquet",
        "part-000003to000005.parquet",
        "part-000006.parquet",
    ]
    assert compact(folder) == (3, 3)
    in_parts(folder, "h")
    assert compact(folder) == (4, 3)
    assert read_rows(folder, "curves", ["trial_id"])["trial_id"] == sorted("abcdefgh" * 3)


def test_tables_with_few_parts_are_left_as_they_are(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    in_parts(folder, "abc")
    write_part(folder, "noise", to_table(block("noise")))
    assert compact(folder, most=3) == (4, 4)
    assert compact(folder, most=2) == (4, 2)


def test_columns_that_were_declared_later_are_not_invented(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    older = to_table(block()).drop_columns(["effective_learning_rate"])
    for rows in (older, older, to_table(block()), to_table(block())):
        write_part(folder, "curves", rows)
    assert compact(folder) == (4, 2)
    first, second = (pq.read_schema(part).names for part in parts(tmp_path, "curves"))
    assert set(second) - set(first) == {"effective_learning_rate"}


def test_a_part_that_another_program_wrote_keeps_its_place(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    in_parts(folder, "abcd")
    (tmp_path / "curves/part-000001.parquet").rename(tmp_path / "curves/part-000001x.parquet")
    assert compact(folder) == (4, 3)
    assert read_rows(folder, "curves", ["trial_id"])["trial_id"] == list("aaabbbcccddd")


def test_a_damaged_part_is_named_and_stays(run: Path) -> None:
    part = parts(run, "evaluations")[1]
    content = bytearray(part.read_bytes())
    content[40] ^= 1
    part.write_bytes(content)
    done = caviar("compact", run, cwd=run)
    assert done.returncode == 2 and f"evaluations/{part.name} in " in done.stderr
    assert part.read_bytes() == content and len(done.stderr.splitlines()) == 1


def test_it_stops_between_two_files_when_asked(run: Path) -> None:
    before = {table: len(parts(run, table)) for table in SCHEMAS}
    asked = iter([False, True, True, True, True, True, True])
    counts = compact(storage_at(run), stop=lambda: next(asked))
    after = {table: len(parts(run, table)) for table in SCHEMAS}
    assert counts == (sum(before.values()), sum(after.values()))
    assert [table for table in SCHEMAS if after[table] < before[table]] == ["curves"]


def test_the_command_says_what_it_did(run: Path) -> None:
    line = ended_well("compact", run, cwd=run)
    assert line.startswith(f"{run}: ") and " part files are 7 now, in " in line
    assert f"{run}: nothing to merge in 7 part files (" in ended_well("compact", run, cwd=run)
    as_json = ended_well("compact", run, "--json", cwd=run)
    assert '"parts_before": 7, "parts_after": 7, "seconds": ' in as_json
    assert caviar("compact", run.parent, cwd=run).stderr.endswith("it has no study.json\n")


def test_a_run_with_a_writer_is_left_to_it(run: Path) -> None:
    with LocalFolder(run).hold():
        done = caviar("compact", run, cwd=run)
    assert done.returncode == 2
    assert done.stderr == (
        f"caviar: another caviar is writing to '{run}', and merges its part files when the run "
        "ends; compact it after that\n"
    )

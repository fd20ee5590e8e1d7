"""A run in an object store: whole objects, one writer, and no secret shown."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.errors import RequestError, StorageError
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.session.run_folder import open_run, read_study_json, remaining, unplanned
from caviar.runner.store.object_store import WRITER, ObjectStore
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_columns, write_part
from caviar.runner.store.sink import ParquetSink, to_table
from caviar.runner.store.storage import read
from caviar.runner.trial.events import Block, Job
from caviar.runner.trial.run_trial import run_trial
from caviar.runner.verify.run import verify_run
from tests.runner.helpers import TINY, block, nothing, plan_of, same_tables, tables
from tests.runner.stores import drive, new_run, objects, renamed, uri_at


@pytest.fixture(params=["s3", "renamed"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ObjectStore, ObjectStore]:
    """Two storages of one place, as two processes would have."""
    if request.param == "renamed":
        return renamed(tmp_path), renamed(tmp_path)
    uri = uri_at(request.getfixturevalue("s3"), new_run())
    stores = storage_at(uri), storage_at(uri)
    assert isinstance(stores[0], ObjectStore) and isinstance(stores[1], ObjectStore)
    return stores[0], stores[1]


@pytest.fixture
def store(two: tuple[ObjectStore, ObjectStore]) -> ObjectStore:
    return two[0]


def test_what_is_written_is_read_and_listed(store: ObjectStore) -> None:
    assert store.names("") == store.names("curves") == []
    for key in ("study.json", "curves/b", "curves/a", "curves/_hidden", "curves/.hidden"):
        store.write(key, key.encode())
    assert store.names("") == ["curves", "study.json"]
    assert store.names("curves") == ["a", "b"]
    assert read(store, "curves/a") == b"curves/a"
    store.write("curves/a", b"")
    assert read(store, "curves/a") == b""
    store.delete("curves/a")
    assert store.names("curves") == ["b"]
    for missing in (lambda: store.open("curves/a"), lambda: store.delete("curves/a")):
        with pytest.raises(FileNotFoundError):
            missing()


def test_an_object_of_any_size_comes_back(store: ObjectStore) -> None:
    for size in (1, 2**12, 2**22 - 1, 2**22, 2**22 + 1):
        content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        store.write("checkpoints/t.npz", content)
        assert read(store, "checkpoints/t.npz") == content


def test_parts_are_numbered_and_signed(two: tuple[ObjectStore, ObjectStore]) -> None:
    names = []
    for store in two:
        with store.hold():
            for trial in "ab":
                names.append(write_part(store, "curves", to_table(block(trial_id=trial))))
    assert [name[:18] for name in names] == [f"curves/part-00000{i}" for i in range(4)]
    signs = [name[18:] for name in names]
    assert signs[:2] == signs[2:] and signs[0] != signs[1], "a sign is of the content"
    assert two[0].names("curves") == [name.removeprefix("curves/") for name in names]
    assert read_columns(two[0], "curves", ["step"]).num_rows == 4 * 3


def test_the_newest_writer_wins(two: tuple[ObjectStore, ObjectStore]) -> None:
    older, newer = two
    with pytest.raises(StorageError, match=r"caviar \(process \d+ on .*\) has taken over"):
        with older.hold():
            assert older.rival is None
            older.write("study.json", b"older")
            with newer.hold():
                assert newer.rival is not None and "process" in newer.rival
                newer.write("study.json", b"newer")
                with pytest.raises(StorageError, match="this one stops"):
                    older.write("study.json", b"older")
                with pytest.raises(StorageError, match="this one stops"):
                    older.delete("study.json")
                newer.write("curves/part-1", b"newer")
                older.write("curves/part-2", b"older")
    assert read(newer, "study.json") == b"newer"
    assert newer.names("curves") == ["part-1"]


def test_the_older_writer_leaves_the_mark_of_the_newer(
    two: tuple[ObjectStore, ObjectStore],
) -> None:
    older, newer = two
    first = older.hold()
    first.__enter__()
    with newer.hold():
        first.__exit__(None, None, None)
        newer.write("study.json", b"newer")
    with older.hold():
        assert older.rival is None


def test_an_older_writer_does_not_come_back_once_the_newer_has_ended(
    two: tuple[ObjectStore, ObjectStore],
) -> None:
    older, newer = two
    with pytest.raises(StorageError, match=r"_writer.json .* is gone, so another caviar"):
        with older.hold():
            with newer.hold():
                pass
            older.write("study.json", b"older")
    assert newer.names("") == []


@pytest.mark.parametrize("left", [b'{"session": "dead"}', b"", b"\xff", b"[]"])
def test_what_a_killed_writer_left_is_no_obstacle(left: bytes, store: ObjectStore) -> None:
    store.write(WRITER, left)
    with store.hold():
        assert store.rival == "another caviar"
        store.write("study.json", b"here")
    with store.hold():
        assert store.rival is None


def test_a_writer_leaves_its_mark_only_where_the_place_failed(store: ObjectStore) -> None:
    with pytest.raises(ZeroDivisionError), store.hold():
        raise ZeroDivisionError
    with pytest.raises(StorageError), store.hold():
        assert store.rival is None
        raise StorageError("the place failed")
    with store.hold():
        assert store.rival is not None


def test_the_mark_says_who_writes(store: ObjectStore) -> None:
    with store.hold():
        assert json.loads(read(store, WRITER)).keys() == {"session", "host", "process", "started"}
    with pytest.raises(FileNotFoundError):
        store.open(WRITER)


def test_a_rename_leaves_nothing_behind(tmp_path: Path) -> None:
    store = renamed(tmp_path)
    for content in (b"first", b"second"):
        store.write("curves/part-1", content)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["part-1"]
    assert read(store, "curves/part-1") == b"second"


def test_a_place_that_fails_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    store = renamed(tmp_path)
    with pytest.raises(
        StorageError, match=r"cannot write study\.json in 'mounted://run': "
    ) as caught:
        store.write("study.json", b"x")
    assert "the same command carries on once the place can be reached" in str(caught.value)


def test_a_run_in_a_store_is_the_run_in_a_folder(store: ObjectStore, tmp_path: Path) -> None:
    plan = plan_of(*TINY, "draws.count=1")
    drive(storage_at(tmp_path / "local"), plan)
    drive(store, plan, seconds=0.0)
    findings = verify_run(store)
    assert not findings.faults, findings.lines
    uri = store.where if store.where.startswith("s3:") else tmp_path / "run"
    same_tables(tables(uri), tables(tmp_path / "local"))
    assert read_study_json(store)["trials"] == 2
    assert remaining(store, plan) == []


def test_a_part_of_an_older_writer_may_land_late(
    two: tuple[ObjectStore, ObjectStore], tmp_path: Path
) -> None:
    """A write that is on its way when the newer writer takes over, and arrives after it looked."""
    older, newer = two
    plan = plan_of(*TINY)
    with newer.hold():
        open_run(newer, plan, "test")
    with pytest.raises(StorageError), older.hold():
        open_run(older, plan, "test")
        (job, *_) = remaining(older, plan)
        with newer.hold():
            open_run(newer, plan, "test")
            sink = ParquetSink(newer)
            sink.plan(unplanned(newer, plan))
            jobs = remaining(newer, plan)
            assert {job.attempt for job in jobs} == {300}
            for event in run_trial(Job(job.config, job.trial_id, 0), plan.data):
                if isinstance(event, Block):
                    lands(older, event)
            run_study(jobs, InlineExecutor(plan.data), sink, nothing)
            sink.close()
        older.write("study.json", b"{}")
    findings = verify_run(newer)
    assert not findings.faults, findings.lines
    assert any("with the same bits" in line for line in findings.lines)
    drive(storage_at(tmp_path / "local"), plan)
    uri = newer.where if newer.where.startswith("s3:") else tmp_path / "run"
    same_tables(tables(uri), tables(tmp_path / "local"))


def lands(store: ObjectStore, event: Block) -> None:
    """Like `write_part`, but without checking who the writer is."""
    content = pa.BufferOutputStream()
    pq.write_table(to_table(event), content)
    part = content.getvalue().to_pybytes()
    store._put(f"{event.table}/{store._next_part(event.table, part)}", part)


def test_a_writer_that_ended_well_changes_no_numbers(store: ObjectStore) -> None:
    plan = plan_of(*TINY)
    for _ in range(2):
        with store.hold():
            open_run(store, plan, "test")
            assert {job.attempt for job in remaining(store, plan)} == {0}


@pytest.mark.parametrize("attempts", ["0", "many", ""])
def test_attempts_are_a_number(attempts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    with pytest.raises(RequestError, match=f"AWS_MAX_ATTEMPTS is '{attempts}'"):
        storage_at("s3://bucket/run?region=x")


def test_next_parts_are_counted_from_one_listing(s3: int) -> None:
    from tests.runner.stores import Proxy

    proxy, run = Proxy(s3), new_run()
    store = storage_at(uri_at(proxy.port, run))
    with store.hold():
        write_part(store, "curves", to_table(block()))
        proxy.requests.clear()
        for _ in range(4):
            write_part(store, "curves", to_table(block()))
        methods = [request.method for request in proxy.requests]
    proxy.close()
    assert methods == ["HEAD", "GET", "PUT"] * 4
    assert len(objects(s3, f"{run}/curves")) == 5

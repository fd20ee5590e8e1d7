"""Compaction where no two files change in one step: each row once, whoever stops in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from caviar.analysis.run.location import parts as read_by_analysis
from caviar.analysis.run.location import place_at
from caviar.runner.errors import StorageError
from caviar.runner.store.compact import compact
from caviar.runner.store.object_store import ObjectStore
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import listed_parts, part_names, read_rows, write_part
from caviar.runner.store.sink import to_table
from caviar.runner.verify.run import verify_run
from tests.faults.disk import Death
from tests.faults.injections import rows_that_count
from tests.runner.helpers import TINY, block, caviar, plan_of, same_tables, tables
from tests.runner.stores import drive, new_run, renamed, uri_at

TRIALS = "abcdef"


@pytest.fixture(params=["s3", "renamed"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ObjectStore]:
    """Opens the same place once more, as another process would."""
    if request.param == "renamed":
        return lambda: renamed(tmp_path)
    uri = uri_at(request.getfixturevalue("s3"), new_run())

    def opened() -> ObjectStore:
        store = storage_at(uri)
        assert isinstance(store, ObjectStore)
        return store

    return opened


def in_parts(store: ObjectStore) -> None:
    with store.hold():
        for trial in TRIALS:
            write_part(store, "curves", to_table(block(trial_id=trial)))


def trials(store: ObjectStore) -> list[str]:
    return read_rows(store, "curves", ["trial_id"])["trial_id"]


EACH = sorted(TRIALS * 3)


class Watched:
    """Counts the requests of a store that change it; reads before each, and dies at one."""

    def __init__(
        self, store: ObjectStore, read: Callable[[], None], patch: pytest.MonkeyPatch, fatal: int
    ) -> None:
        self.done = 0
        for name in ("_put", "delete"):
            patch.setattr(store, name, self._before(getattr(store, name), read, fatal))

    def _before(
        self, do: Callable[..., None], read: Callable[[], None], fatal: int
    ) -> Callable[..., None]:
        def change(*words: object) -> None:
            read()
            self.done += 1
            if self.done > fatal:
                raise Death
            do(*words)

        return change


def test_each_row_is_there_once_wherever_it_stops(
    another: Callable[[], ObjectStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_parts(another())
    reader = another()

    def read() -> None:
        assert trials(reader) == EACH

    fatal = 0
    while len(listed_parts(reader, "curves")) > 1:
        store = another()
        with monkeypatch.context() as patch, suppress(Death), store.hold():
            Watched(store, read, patch, fatal)
            compact(store)
        fatal += 1
        read()
    assert fatal > 2 and part_names(reader, "curves")[0].startswith("part-000000to000005-")


def test_the_newest_writer_stops_a_compaction(another: Callable[[], ObjectStore]) -> None:
    older, newer = another(), another()
    in_parts(older)
    with pytest.raises(StorageError, match="has taken over"), older.hold():
        older.write("noise/part-000000.parquet", b"")
        with newer.hold():
            compact(older)
    assert len(listed_parts(newer, "curves")) == len(TRIALS) and trials(newer) == EACH


def test_two_writers_that_merged_the_same_parts_leave_each_row_once(
    another: Callable[[], ObjectStore],
) -> None:
    """The older one's file is on its way while the newer one merges, and arrives afterwards."""
    older, newer = another(), another()
    in_parts(older)
    arriving: list[tuple[str, bytes]] = []
    with pytest.MonkeyPatch.context() as patch, suppress(Death):
        patch.setattr(older, "_put", lambda key, content: arriving.append((key, content)))
        patch.setattr(older, "delete", lambda key: (_ for _ in ()).throw(Death))
        compact(older)
    ((key, content),) = arriving
    with newer.hold():
        assert compact(newer) == (len(TRIALS), 1)
        older._put(key, content)
        assert len(listed_parts(newer, "curves")) == 2 and trials(newer) == EACH
        assert compact(newer) == (1, 1) and len(listed_parts(newer, "curves")) == 1
    assert trials(newer) == EACH


def test_a_run_in_a_bucket_is_compacted_by_the_command(s3: int, tmp_path: Path) -> None:
    uri = uri_at(s3, new_run())
    plan = plan_of(*TINY, "draws.count=1")
    drive(storage_at(uri), plan, seconds=0.0)
    before, shown = rows_that_count(uri), tables(uri)
    with storage_at(uri).hold():
        done = caviar("compact", uri, cwd=tmp_path)
        assert done.returncode == 2 and "compact it after that" in done.stderr
    done = caviar("compact", uri, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and " part files are 7 now, in " in done.stdout
    assert rows_that_count(uri) == before and not verify_run(storage_at(uri)).faults
    same_tables(tables(uri), shown)
    counts = Counter(len(read_by_analysis(place_at(uri), table)) for table in ("curves", "noise"))
    assert counts == {1: 2}
    drive(storage_at(uri), plan)
    assert rows_that_count(uri) == before

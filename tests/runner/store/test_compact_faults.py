"""A compaction that is cut, fails or is read at any of its operations: every row is there once."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.run.stored.location import parts as read_by_analysis
from caviar.analysis.run.stored.location import place_at
from caviar.runner.errors import StorageError
from caviar.runner.store.checkpoints import kept_trials
from caviar.runner.store.compact import compact
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.object_store import ObjectStore
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import (
    listed_parts,
    part_names,
    read_columns,
    read_rows,
)
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.verify.run import verify_run
from tests.faults.disk import FAILURES, Death, DiesWhen, Disk, Failure, failing
from tests.faults.injections import Fault, Rows, rows_that_count, whole
from tests.faults.program import MANY, in_parts, run_at_every_step, run_here
from tests.runner.helpers import TINY, caviar, parts, plan_of, same_tables, tables
from tests.runner.stores import drive, new_run, renamed, uri_at


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed in its second trial, after a checkpoint."""
    root = tmp_path_factory.mktemp("half") / "run"

    def is_half_done() -> bool:
        return bool(parts(root, "outcomes") and kept_trials(LocalFolder(root)))

    with pytest.raises(Death), failing(DiesWhen(root, is_half_done)):
        run_at_every_step(root, *MANY)
    return root


@pytest.fixture(scope="module")
def expected(half_done: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = Path(shutil.copytree(half_done, tmp_path_factory.mktemp("whole") / "run"))
    assert run_here(root, *MANY).code == 0
    return rows_that_count(root)


@pytest.fixture(params=["in one step", "one by one"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of a folder: where two can exchange their names, and elsewhere."""
    if request.param == "one by one":
        monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    return str(request.param)


def compacted(root: Path) -> None:
    folder = LocalFolder(root)
    with folder.hold():
        compact(folder)


SEEN = {"replace", "exchange", "unlink"}
"""The operations after which a reader may find other files."""


class Read(Disk):
    """A disk on which readers read after every operation of a compaction that they can see."""

    def __init__(self, root: Path, also_pandas: bool) -> None:
        super().__init__(root)
        self._also_pandas = also_pandas
        self._reading = True
        self.rows = self._all()
        self._reading = False
        self.reads = 0
        self._last = ""

    def next(self, operation: str, *, writes: bool = False) -> BaseException | None:
        if self._reading:
            return None
        if self._last in SEEN:
            self._reading = True
            self.reads += 1
            assert self._all() == self.rows, f"after {self._last}, number {self.done}"
            self._reading = False
        self._last = operation
        return super().next(operation, writes=writes)

    def _all(self) -> Counter[tuple[str, str]]:
        """Rows by table, as the analysis, the runner and pandas alone count them."""
        root, counts = Path(self.root), Counter[tuple[str, str]]()
        for table in SCHEMAS:
            read = [part.num_rows for part in read_by_analysis(place_at(root), table)]
            counts["analysis", table] = sum(read)
            counts["runner", table] = read_columns(storage_at(root), table, ["trial_id"]).num_rows
            if self._also_pandas:
                counts["pandas", table] = len(pd.read_parquet(root / table, columns=["trial_id"]))
        return counts


def test_a_reader_finds_every_row_once_between_any_two_operations(
    way: str, half_done: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(half_done, tmp_path / "run"))
    disk = Read(root, also_pandas=way == "in one step")
    with failing(disk):
        compacted(root)
    assert disk.reads > 10 and [len(parts(root, table)) for table in SCHEMAS] == [1] * 7


def is_there(root: Path, before: Rows) -> None:
    whole(root)
    assert rows_that_count(root) == before
    faults = [line for line in verify_run(storage_at(root)).lines if line.startswith("FAULT")]
    assert all("trials have no outcome yet" in line for line in faults), faults


SOME = [45, pytest.param(1, marks=pytest.mark.exhaustive)]
"""Operations at a stride, and every single one."""


@pytest.mark.faults("a compaction meets a full, broken or dead disk at an operation")
@pytest.mark.parametrize("stride", SOME)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_compaction_meets_a_bad_disk(
    failure: Failure,
    stride: int,
    way: str,
    half_done: Path,
    expected: Rows,
    fault: Fault,
    tmp_path: Path,
) -> None:
    before = rows_that_count(half_done)
    with failing(Disk(Path(shutil.copytree(half_done, tmp_path / "counted")))) as counting:
        compacted(tmp_path / "counted")
    fatal_ones = counting.writing if failure == "full" else range(counting.done)
    for number, fatal in enumerate(fatal_ones[::stride]):
        root = Path(shutil.copytree(half_done, tmp_path / str(fatal)))
        with failing(Disk(root, failure, fatal)) as disk:
            try:
                compacted(root)
            except (Death, StorageError) as error:
                assert isinstance(error, Death) or disk.said in str(error)
        fault.inject(1 if disk.struck else 0)
        is_there(root, before)
        if number % 4:
            compacted(root)
            is_there(root, before)
            assert [len(parts(root, table)) for table in SCHEMAS] == [1] * len(SCHEMAS)
        with fault.recovering():
            ended = run_here(root, *MANY)
        assert (ended.code, ended.complained) == (0, "") and "from checkpoints" in ended.output
        fault.ended(before, expected, rows_that_count(root))
        assert not [path for path in root.rglob(".*")]
        shutil.rmtree(root)


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


def filled(store: ObjectStore) -> None:
    """Each trial with a part file and a line of the log."""
    with store.hold():
        in_parts(store, TRIALS)
        for trial in TRIALS:
            store.append("log.jsonl", f"{trial}\n".encode())


def trials(store: ObjectStore) -> list[str]:
    return read_rows(store, "curves", ["trial_id"])["trial_id"]


EACH = sorted(TRIALS * 3)
LINES = b"a\nb\nc\nd\ne\nf\n"


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
    filled(another())
    reader = another()

    def read() -> None:
        assert trials(reader) == EACH and reader.appended("log.jsonl") == LINES

    fatal = 0
    while len(listed_parts(reader, "curves")) > 1 or len(reader.names("log")) > 1:
        store = another()
        with monkeypatch.context() as patch, suppress(Death), store.hold():
            Watched(store, read, patch, fatal)
            compact(store)
        fatal += 1
        assert fatal < 40
        read()
    assert fatal > 4 and part_names(reader, "curves")[0].startswith("part-000000to000005-")
    last = another()
    with last.hold():
        last.append("log.jsonl", b"g\n")
    assert reader.appended("log.jsonl") == LINES + b"g\n"


def test_the_newest_writer_stops_a_compaction(another: Callable[[], ObjectStore]) -> None:
    older, newer = another(), another()
    filled(older)
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
    filled(older)
    arriving: list[tuple[str, bytes]] = []
    with pytest.MonkeyPatch.context() as patch, suppress(Death):
        patch.setattr(older, "_put", lambda key, content: arriving.append((key, content)))
        patch.setattr(older, "delete", lambda key: (_ for _ in ()).throw(Death))
        compact(older)
    ((key, content),) = arriving
    with newer.hold():
        assert compact(newer) == (len(TRIALS), 1)
        older._put(key, content)
        assert len(listed_parts(newer, "curves")) == 1, "the same rows are the same object"
        older._put(key.replace(".parquet", "f.parquet"), content)  # As of another pyarrow.
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

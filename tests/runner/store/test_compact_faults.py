"""A compaction that is cut, fails or is read at any of its operations: every row is there once."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.run.location import parts as read_by_analysis
from caviar.analysis.run.location import place_at
from caviar.runner.errors import StorageError
from caviar.runner.store.checkpoints import kept_trials
from caviar.runner.store.compact import compact
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_columns
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.verify.run import verify_run
from tests.faults.disk import FAILURES, Death, Disk, Failure, failing
from tests.faults.injections import Fault, Rows, rows_that_count, whole
from tests.faults.program import SMALL, run_at_every_step
from tests.runner.helpers import parts

MANY = (*SMALL, "budget={ steps = 8 }", "evaluations=4", "curve_rows=8", "log_probabilities=true")


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed in its second trial, after a checkpoint."""
    root = tmp_path_factory.mktemp("half") / "run"
    for fatal in range(400, 1200, 25):
        shutil.rmtree(root, ignore_errors=True)
        with pytest.raises(Death), failing(Disk(root, "killed", fatal)):
            run_at_every_step(root, *MANY)
        if parts(root, "outcomes") and kept_trials(LocalFolder(root)):
            return root
    raise AssertionError("no operation cut the run after a checkpoint of its second trial")


@pytest.fixture(scope="module")
def expected(half_done: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = Path(shutil.copytree(half_done, tmp_path_factory.mktemp("whole") / "run"))
    assert run_at_every_step(root, *MANY).code == 0
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
            ended = run_at_every_step(root, *MANY)
        assert (ended.code, ended.complained) == (0, "") and "from checkpoints" in ended.output
        fault.ended(before, expected, rows_that_count(root))
        assert not [path for path in root.rglob(".*")]
        shutil.rmtree(root)

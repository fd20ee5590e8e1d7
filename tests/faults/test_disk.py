"""A disk that is full, broken or cut off, at every operation of a small study."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from caviar.runner.session.run_log import read_log
from caviar.runner.store.checkpoints import kept_trials
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.faults.disk import FAILURES, Death, DiesWhen, Disk, Failure, failing
from tests.faults.injections import Fault, Rows, rows_that_count, whole
from tests.faults.program import one_sentence, run_at_every_step
from tests.runner.helpers import parts

OVER = "what was committed is whole, and the same command carries on once"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = tmp_path_factory.mktemp("whole") / "run"
    assert run_at_every_step(root).code == 0
    return rows_that_count(root)


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed in its first trial, after a checkpoint, while writing a part."""
    root = tmp_path_factory.mktemp("half") / "run"

    def is_half_done() -> bool:
        writing = [path for path in root.rglob(".part-*") if "curves" in str(path)]
        return bool(writing and kept_trials(LocalFolder(root)) and parts(root, "curves"))

    with pytest.raises(Death), failing(DiesWhen(root, is_half_done)):
        run_at_every_step(root)
    return root


def operations(root: Path, failure: Failure) -> list[int]:
    """The operations at which a run can meet the failure: on a full disk, only writes."""
    with failing(Disk(root)) as disk:
        assert run_at_every_step(root).code == 0
    return disk.writing if failure == "full" else list(range(disk.done))


def strike(root: Path, failure: Failure, fatal: int, fault: Fault) -> None:
    """Run until the disk fails there: one sentence, and nothing torn."""
    with failing(Disk(root, failure, fatal)) as disk:
        try:
            ended = run_at_every_step(root)
        except Death:
            ended = None
    assert disk.struck or disk.done <= fatal
    fault.inject(1 if disk.struck else 0)
    if ended is not None and ended.code == 0 and disk.struck:
        # A folder that need not be made was there, a checkpoint that cannot be read costs its
        # trial time, or part files cannot be looked at once all trials are done; the run goes on.
        unmerged = f"part files are left as they are: .*{disk.said}; {OVER}"
        told = "the checkpoint of trial" in ended.output or re.search(unmerged, ended.output)
        assert disk.struck == "mkdir" or told, (disk.struck, ended.output)
    elif ended is not None and disk.struck:
        assert ended.code == 1 and f"{disk.said}; {OVER}" in one_sentence(ended), ended.complained
    if root.exists():
        whole(root)


def carries_on(root: Path, before: Rows, expected: Rows, fault: Fault) -> None:
    with fault.recovering():
        ended = run_at_every_step(root)
    assert (ended.code, ended.complained) == (0, "")
    fault.ended(before, expected, rows_that_count(root))
    left = [p for p in root.rglob("*") if p.is_file()]
    kept = ("study.json", "log.jsonl")
    assert all(p.name in kept or p.match("part-*.parquet") for p in left), left
    events = [line["event"] for line in read_log(LocalFolder(root))]
    assert events.count("begin") >= 1 and events[-1] == "finished"


def acknowledged(root: Path) -> Rows:
    return rows_that_count(root) if (root / "study.json").exists() else Rows()


def fails_everywhere(
    begun: Path | None,
    failure: Failure,
    stride: int,
    expected: Rows,
    fault: Fault,
    tmp_path: Path,
) -> None:
    def fresh(name: str) -> Path:
        if begun is None:
            return tmp_path / name
        return Path(shutil.copytree(begun, tmp_path / name))

    fatal_ones = operations(fresh("counted"), failure)[::stride]
    assert len(fatal_ones) * stride > 50
    for fatal in fatal_ones:
        root = fresh(str(fatal))
        before = acknowledged(root)
        strike(root, failure, fatal, fault)
        before |= acknowledged(root)
        carries_on(root, before, expected, fault)
        shutil.rmtree(root)
    assert fault.injected >= len(fatal_ones) - 1


SOME = [100, pytest.param(1, marks=pytest.mark.exhaustive)]
"""Operations at a stride, and every single one."""


@pytest.mark.faults("the disk is full, fails or is cut off at an operation of a new run")
@pytest.mark.parametrize("stride", SOME)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_new_run_meets_a_bad_disk(
    failure: Failure, stride: int, expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    fails_everywhere(None, failure, stride, expected, fault, tmp_path)


@pytest.mark.faults("the disk is full, fails or is cut off at an operation of a resumed run")
@pytest.mark.parametrize("stride", SOME)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_resumed_run_meets_a_bad_disk(
    failure: Failure,
    stride: int,
    expected: Rows,
    half_done: Path,
    fault: Fault,
    tmp_path: Path,
) -> None:
    fails_everywhere(half_done, failure, stride, expected, fault, tmp_path)


def test_the_half_done_run_has_what_it_is_for(half_done: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(half_done, tmp_path / "run"))
    assert len(kept_trials(LocalFolder(root))) == 1 and parts(root, "curves")
    ended = run_at_every_step(root)
    assert "resuming from checkpoints: " in ended.output
    assert not verify_run(storage_at(root)).faults

"""Damaged, foreign or hostile checkpoints: they are reported, not used, and no row is lost."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.runner.session.loop import Progress
from caviar.runner.store.checkpoints import kept_trials
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Event
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.faults.local import PAIR, Watched, session
from tests.faults.workers import STEPS, holds_after_a_checkpoint
from tests.runner.helpers import parts, plan_of

Damage = Callable[[Path, Path], None]
"""Damages the checkpoint of one trial (first); the second path is that of another trial."""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*PAIR)


@pytest.fixture(scope="module")
def expected(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = tmp_path_factory.mktemp("whole") / "run"
    session(root, plan, workers=0)
    return rows_that_count(root)


class Death(BaseException):
    """An exception that no `except Exception` catches."""


@pytest.fixture(scope="module")
def cut(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose driver died when both of its trials had a checkpoint on disk."""
    root = tmp_path_factory.mktemp("cut") / "run"

    def observe(progress: Progress, event: Event) -> None:
        if len(kept_trials(LocalFolder(root))) == 2:
            raise Death

    with pytest.raises(Death):
        session(root, plan, holds_after_a_checkpoint, observe)
    return root


def truncated(checkpoint: Path, other: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])


def of_nothing(checkpoint: Path, other: Path) -> None:
    checkpoint.write_bytes(b"")


def flipped(checkpoint: Path, other: Path) -> None:
    """One bit in the middle of the largest array."""
    with zipfile.ZipFile(checkpoint) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    content = bytearray(checkpoint.read_bytes())
    content[largest.header_offset + largest.file_size // 2 + 150] ^= 1
    checkpoint.write_bytes(content)


def of_the_other(checkpoint: Path, other: Path) -> None:
    shutil.copy(other, checkpoint)


def of_no_kind(checkpoint: Path, other: Path) -> None:
    checkpoint.write_bytes(b"not a checkpoint" * 100)


def without_rows(checkpoint: Path, other: Path) -> None:
    for part in parts(checkpoint.parents[1], "curves"):
        part.unlink()


class _Leaves:
    """An object that makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (os.environ["CAVIAR_TEST_TRACE"],))


def pickled(checkpoint: Path, other: Path) -> None:
    """The same archive, with its largest array as a pickle."""
    hostile = io.BytesIO()
    objects = np.empty(1, object)
    objects[0] = _Leaves()
    np.lib.format.write_array(hostile, objects, allow_pickle=True)
    assert pickle.dumps(_Leaves()) in hostile.getvalue() or b"mkdir" in hostile.getvalue()
    with zipfile.ZipFile(checkpoint) as archive:
        members = {member.filename: archive.read(member) for member in archive.infolist()}
    largest = max(members, key=lambda name: len(members[name]))
    with zipfile.ZipFile(checkpoint, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, hostile.getvalue() if name == largest else content)


DAMAGES: list[tuple[Damage, str, str]] = [
    (truncated, "a checkpoint is cut short", "is not a complete npz file"),
    (of_nothing, "a checkpoint is empty", "is not a complete npz file"),
    (of_no_kind, "a checkpoint is another file", "is not a complete npz file"),
    (flipped, "a bit of an array in a checkpoint flips", "cannot be read: Bad CRC-32"),
    (of_the_other, "a checkpoint is that of another trial", "it is of trial"),
    (without_rows, "the rows before a checkpoint are gone", "rows before it exist"),
    (pickled, "a checkpoint holds a pickle", "is not an array of numbers"),
]


@pytest.mark.parametrize(
    ("damage", "why"),
    [pytest.param(d, why, marks=pytest.mark.faults(name)) for d, name, why in DAMAGES],
    ids=[damage.__name__ for damage, _, _ in DAMAGES],
)
def test_a_checkpoint_that_does_not_count(
    damage: Damage,
    why: str,
    plan: Plan,
    expected: Rows,
    cut: Path,
    fault: Fault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAVIAR_TEST_TRACE", str(tmp_path / "trace"))
    root = Path(shutil.copytree(cut, tmp_path / "run"))
    bad, good = sorted(kept_trials(LocalFolder(root)))
    folder = root / "checkpoints"
    damage(folder / f"{bad}.npz", folder / f"{good}.npz")
    fault.inject()
    watched = Watched(fault)
    with fault.recovering():
        progress = session(root, plan, observe=watched, workers=0)
    assert (progress.done, progress.failed, progress.retries) == (2, 0, 0)
    reasons = [note for note in watched.notes if note.startswith(f"the checkpoint of trial {bad} ")]
    assert len(reasons) == 1 and why in reasons[0] and "\n" not in reasons[0]
    assert reasons[0].endswith("; the trial starts from the beginning")
    others = [note for note in watched.notes if note not in reasons]
    if damage is without_rows:
        assert len(others) == 1 and f"the checkpoint of trial {good} " in others[0]
    else:
        assert others == [f"resuming from checkpoints: {good}"]
    assert not verify_run(storage_at(root)).faults
    fault.ended(Rows(), expected, rows_that_count(root))
    assert not list(folder.iterdir()) and not (tmp_path / "trace").exists()


@pytest.mark.faults("the driver dies after checkpoints")
def test_a_driver_that_dies_goes_on_from_checkpoints(
    plan: Plan, expected: Rows, cut: Path, fault: Fault, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(cut, tmp_path / "run"))
    fault.inject()
    verified = verify_run(storage_at(root))
    assert any("2 resumable checkpoints" in line for line in verified.lines)
    watched = Watched(fault)
    with fault.recovering():
        session(root, plan, observe=watched, workers=0)
    (note,) = watched.notes
    assert note.startswith("resuming from checkpoints: ")
    assert not verify_run(storage_at(root)).faults
    fault.ended(Rows(), expected, rows_that_count(root))
    whole = sum(1 for table, _ in expected.elements() if table not in ("trials", "outcomes"))
    assert 0 < sum(watched.rows.values()) < whole
    assert min(watched.first_step.values()) > STEPS
    assert not list((root / "checkpoints").iterdir())


def test_the_trace_is_left_by_one_who_unpickles(
    cut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This shows that the test above can fail."""
    monkeypatch.setenv("CAVIAR_TEST_TRACE", str(tmp_path / "trace"))
    root = Path(shutil.copytree(cut, tmp_path / "run"))
    bad, _ = sorted(kept_trials(LocalFolder(root)))
    path = root / "checkpoints" / f"{bad}.npz"
    pickled(path, path)
    with np.load(path, allow_pickle=True) as arrays:
        for name in arrays.files:
            _ = arrays[name] if name != "about.json" else None
    assert (tmp_path / "trace").is_dir()

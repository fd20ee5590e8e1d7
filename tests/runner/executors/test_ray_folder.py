"""The private folder of a local Ray cluster: only its owner reads it, and it is removed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from caviar.runner.executors.ray_folder import FRESH_SECONDS, PREFIX, RayFolder, make_folder, sweep

SOCKET = "session_2026-11-25_22-35-31_317533_4194304/sockets/plasma_store"
LONGEST_SOCKET = 107


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short path, since pytest's paths are too long."""
    short = Path(tempfile.mkdtemp(prefix="cv", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(short))
    yield short
    shutil.rmtree(short)


@pytest.fixture
def folder(base: Path) -> RayFolder:
    return make_folder()


def test_only_the_owner_reads_it(base: Path, folder: RayFolder) -> None:
    assert folder.path.parent == base
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.token.stat().st_mode) == 0o600
    assert len(folder.token.read_text()) == 64
    other = make_folder()
    assert other.token.read_text() != folder.token.read_text()
    for made in (folder, other):
        (made.path / "session" / "logs").mkdir(parents=True)
        made.remove()
        assert not made.path.exists()


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(
        "caviar.runner.executors.ray_folder.time.time", lambda: now + 2 * FRESH_SECONDS
    )


def test_what_a_killed_driver_left_goes_at_the_next_start(
    base: Path, folder: RayFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.close(folder.lock)  # As the system does when its process ends.
    fresh = make_folder()
    assert folder.path.exists()  # Its driver may not have locked it yet.
    later(monkeypatch)
    last = make_folder()
    assert not folder.path.exists() and fresh.path.exists()
    fresh.remove()
    last.remove()


def test_what_is_not_ours_stays(
    base: Path, folder: RayFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (base / f"{PREFIX}link").symlink_to(precious)
    (base / f"{PREFIX}file").write_text("")
    (base / "ray").mkdir()
    later(monkeypatch)
    sweep(base)
    assert precious.exists()
    names = {path.name for path in base.iterdir()}
    assert names == {folder.path.name, f"{PREFIX}link", f"{PREFIX}file", "ray"}
    folder.remove()


@pytest.mark.parametrize("name", ["RAY_TMPDIR", "TMPDIR"])
def test_sockets_have_room_whatever_the_temporary_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv(name, str(long))
    monkeypatch.setattr("caviar.runner.executors.ray_folder.tempfile.tempdir", None)
    folder = make_folder()
    assert len(str(folder.path / SOCKET)) <= LONGEST_SOCKET
    folder.remove()

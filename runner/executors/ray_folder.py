"""The private folder of a Ray cluster that caviar starts: its sockets, its logs and its token."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PREFIX = "caviar-ray-"
LONGEST_BASE = 24
"""Ray adds 65 characters and the folder's name 18; a Unix socket's path has at most 107."""
FRESH_SECONDS = 60.0
"""A folder this young may belong to a driver that has not locked it yet."""
GONE_SECONDS = 10.0


@dataclass(frozen=True)
class RayFolder:
    """A folder that only its owner can read, locked for as long as its driver lives."""

    path: Path
    lock: int

    @property
    def token(self) -> Path:
        """The token of this cluster alone: Ray would write one into the user's home."""
        return self.path / "token"

    def remove(self) -> None:
        """Remove everything; Ray's last processes may still be writing, so try for a while."""
        end = time.monotonic() + GONE_SECONDS
        while self.path.exists() and time.monotonic() < end:
            shutil.rmtree(self.path, ignore_errors=True)
            time.sleep(0.01)
        os.close(self.lock)


def make_folder() -> RayFolder:
    """A new folder, once those of drivers that were killed are removed."""
    base = _base()
    sweep(base)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    folder = RayFolder(path, os.open(path, os.O_RDONLY))
    fcntl.flock(folder.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder.token.touch(mode=0o600)
    folder.token.write_text(secrets.token_hex(32), encoding="ascii")
    return folder


def sweep(base: Path) -> None:
    """Remove what drivers left that were killed: folders of ours whose lock nobody holds."""
    for path in base.glob(f"{PREFIX}*"):
        try:
            about = path.lstat()
            if about.st_uid != os.getuid() or time.time() - about.st_ctime < FRESH_SECONDS:
                continue
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass  # Its driver lives.
        finally:
            os.close(lock)


def _base() -> Path:
    """Where Ray's files go: RAY_TMPDIR or the temporary folder, if sockets fit into it."""
    for found in (os.environ.get("RAY_TMPDIR"), tempfile.gettempdir()):
        if found and len(found) <= LONGEST_BASE and os.access(found, os.W_OK):
            return Path(found)
    return Path("/tmp")


def last_lines(log: Path) -> list[str]:
    """The last lines of a log, without Ray's marks."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith(":")][-3:]

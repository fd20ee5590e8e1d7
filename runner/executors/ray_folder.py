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
"""The path of a Unix socket has at most 107 characters; Ray adds 65, and the folder's name 18."""
FRESH_SECONDS = 60.0
"""A folder this young may belong to a driver that has not locked it yet."""
GONE_SECONDS = 10.0


@dataclass(frozen=True)
class RayFolder:
    """A folder that only its owner can read, locked while its driver is alive."""

    path: Path
    lock: int

    @property
    def token(self) -> Path:
        """The token of this cluster only: Ray would write one into the user's home."""
        return self.path / "token"

    @property
    def variables(self) -> dict[str, str | None]:
        """What makes Ray read that token, whatever the user's environment says."""
        path = str(self.token)
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": path, "RAY_AUTH_TOKEN": None}

    def remove(self) -> None:
        """Remove everything; Ray's last processes may still be writing, so retry for a while."""
        end = time.monotonic() + GONE_SECONDS
        while self.path.exists() and time.monotonic() < end:
            shutil.rmtree(self.path, ignore_errors=True)
            time.sleep(0.01)
        os.close(self.lock)


def make_folder() -> RayFolder:
    """A new folder, after removing those of drivers that were killed."""
    base = base_folder()
    sweep(base)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    folder = RayFolder(path, os.open(path, os.O_RDONLY))
    fcntl.flock(folder.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder.token.touch(mode=0o600)
    folder.token.write_text(secrets.token_hex(32), encoding="ascii")
    return folder


def sweep(base: Path) -> None:
    """Remove the folders of drivers that were killed: those whose lock nobody holds."""
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
            pass  # Its driver is alive.
        finally:
            os.close(lock)


def base_folder() -> Path:
    """Where Ray's files go: RAY_TMPDIR or the temporary folder, if its path is short enough."""
    for folder in (os.environ.get("RAY_TMPDIR"), tempfile.gettempdir()):
        if folder and len(folder) <= LONGEST_BASE and os.access(folder, os.W_OK):
            return Path(folder)
    return Path("/tmp")

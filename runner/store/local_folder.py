"""A run in a folder of this machine, or in a mounted one."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from caviar.runner.errors import RequestError, StorageError
from caviar.runner.store.part_names import name_for, numbered
from caviar.runner.store.storage import CARRY_ON, ROOM, read, reason
from caviar.runner.store.whole_files import UNABLE, remove, swap, write_whole

PAUSES = (0.02, 0.05, 0.0)
"""Seconds between attempts at the lock, which `caviar status` may hold for an instant."""


class LocalFolder:
    """A run in a folder of this machine, or in a mounted one.

    A file is written under a temporary name that starts with a dot (readers of a data set skip
    it), synced and renamed: a reader gets the old file or the new one, never a part. Only a log
    grows in place, by whole lines.
    """

    append_seconds = 1.0

    def __init__(self, root: Path) -> None:
        self.root = root
        self.where = str(root)
        self.rival: str | None = None
        self._held: int | None = None

    def names(self, folder: str) -> list[str]:
        path = self._path(folder)
        try:
            entries = os.listdir(path)
        except FileNotFoundError:
            return []
        except OSError as error:
            if not folder and isinstance(error, NotADirectoryError):
                reason = f"cannot write to {self.where!r} or read it: {error.strerror}"
                raise RequestError(reason) from None
            raise self._failed(f"list {folder or 'the run'}", error, "it can be read") from error
        return sorted(name for name in entries if name[0] not in "._")

    def open(self, key: str) -> pa.NativeFile:
        path = self._path(key)
        # Opening a pipe would block.
        try:
            irregular = path.exists() and not path.is_file()
        except OSError as error:
            raise self._failed(f"read {key}", error, "it can be read") from error
        if irregular:
            raise StorageError(f"{key} in {self.where!r} is not a regular file; move it")
        return pa.OSFile(str(path), "r")

    def write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        self._must_be_there()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise self._failed(f"write {key}", error, ROOM) from error

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._failed(f"delete {key}", error, ROOM) from error

    def add(self, folder: str, content: bytes) -> str:
        name = f"part-{numbered(self.names(folder)):06d}.parquet"
        self.write(f"{folder}/{name}", content)
        return name

    def replace(self, folder: str, names: Sequence[str], content: bytes) -> str:
        """In one step, also for readers that are not ours, where the file system can do it."""
        path, name = self._path(folder), name_for(names)
        self._must_be_there()
        try:
            swap(path, names, name, content)
        except OSError as error:
            if error.errno not in UNABLE:
                raise self._failed(f"write {folder}/{name}", error, ROOM) from error
            self.write(f"{folder}/{name}", content)
            for replaced in names:
                self.delete(f"{folder}/{replaced}")
        return name

    def append(self, key: str, lines: bytes) -> None:
        path = self._path(key)
        self._must_be_there()
        try:
            if path.exists() and not path.is_file():
                raise StorageError(f"{key} in {self.where!r} is not a regular file; move it")
            torn = _is_torn(path)
            with path.open("ab") as file:
                file.write(b"\n" + lines if torn else lines)
        except OSError as error:
            raise self._failed(f"write {key}", error, ROOM) from error

    def appended(self, key: str) -> bytes:
        try:
            return read(self, key)
        except FileNotFoundError:
            return b""

    def is_held(self, now: float) -> bool:
        """Whether a writer holds the lock; asking holds it for an instant, which writers await."""
        try:
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(folder)
        return False

    def written_last(self) -> float | None:
        """A rename into a folder changes the folder's time, so no file in it need be looked at."""
        try:
            entries = [self.root, *self.root.iterdir()]
            return max(entry.lstat().st_mtime for entry in entries if entry.name != "report")
        except OSError:
            return None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only writer; the system releases the lock however the process ends."""
        folder = self._made()
        try:
            self._lock(folder)
            self._sweep()
            self._held = folder
            yield
        finally:
            self._held = None
            os.close(folder)

    def _made(self) -> int:
        """A descriptor of the run's folder, created if necessary."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except (PermissionError, FileExistsError, NotADirectoryError) as error:
            raise RequestError(f"cannot write to {self.where!r}: {error.strerror}") from None
        except OSError as error:
            raise self._failed("make the folder", error, ROOM) from error

    def _lock(self, folder: int) -> None:
        for pause in PAUSES:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(pause)
            except OSError as error:
                raise self._failed("lock the folder", error, "it can be locked") from error
        raise RequestError(
            f"another caviar is writing to {self.where!r}; wait for it, or use another --out"
        )

    def _sweep(self) -> None:
        """Remove the files of a driver that was killed while writing; no one else writes here."""
        try:
            folders = [p for p in self.root.iterdir() if p.is_dir() and not p.is_symlink()]
            for folder in (*folders, self.root):
                for left_over in folder.glob(".*.tmp"):
                    remove(left_over) if left_over in folders else left_over.unlink()
        except OSError as error:
            raise self._failed("remove what a killed caviar left", error, ROOM) from error

    def _must_be_there(self) -> None:
        """Raise StorageError if the run was deleted meanwhile, rather than begin it anew midway."""
        if self._held is None:
            return
        try:
            same = os.path.samestat(os.fstat(self._held), os.stat(self.root))
        except FileNotFoundError:
            same = False
        except OSError as error:
            raise self._failed("find the folder", error, ROOM) from error
        if not same:
            raise StorageError(
                f"{self.where!r} was deleted or replaced while this caviar was writing to it, so "
                "it stops; the same command starts again"
            )

    def _failed(self, what: str, error: OSError, once: str) -> StorageError:
        return StorageError(
            f"cannot {what} in {self.where!r}: {reason(error)}; {CARRY_ON} once {once}"
        )

    def _path(self, key: str) -> Path:
        path = self.root
        for name in key.split("/") if key else ():
            path = path / name
            try:
                leads_out = name in ("", ".", "..") or path.is_symlink()
            except OSError as error:
                raise self._failed(f"find {key}", error, "it can be read") from error
            if leads_out:
                raise StorageError(
                    f"{key} in {self.where!r} leads out of the run: {str(path)!r} is a symbolic "
                    "link; a run holds regular files and folders, so replace it by them"
                )
        return path


def _is_torn(path: Path) -> bool:
    """Whether a log ends within a line, because its writer was killed."""
    try:
        with path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False

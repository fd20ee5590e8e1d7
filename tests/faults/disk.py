"""A disk that fails, fills up or is cut off at the operation that a test names."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest

from caviar.runner.store import whole_files

Failure = Literal["full", "broken", "killed"]
FAILURES: tuple[Failure, ...] = ("full", "broken", "killed")


class Death(BaseException):
    """An exception that no `except Exception` catches: the process is killed here."""


class Disk:
    """Counts the operations on files under `root`; the one numbered `fatal` fails.

    `full`: ENOSPC, in a write after half of it, and no later write has room. `broken`: EIO once.
    `killed`: `Death`, in a write after half of it. A read of a full disk fails with EIO.
    `writing` numbers the operations that need room.
    """

    def __init__(self, root: Path, failure: Failure = "killed", fatal: int = -1) -> None:
        self.root = str(root)
        self.failure = failure
        self.fatal = fatal
        self.done = 0
        self.writing: list[int] = []
        self.struck = self.said = ""
        self._no_room = False

    def mine(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and str(os.fspath(path)).startswith(self.root)

    def next(self, operation: str, *, writes: bool = False) -> BaseException | None:
        """The exception that the current operation ends with, if it must not succeed."""
        now, self.done = self.done, self.done + 1
        if writes:
            self.writing.append(now)
        full = self.failure == "full" and writes
        if now != self.fatal and not (self._no_room and full):
            return None
        self.struck = self.struck or operation
        self._no_room = full
        if self.failure == "killed":
            return Death(operation)
        number = errno.ENOSPC if full else errno.EIO
        self.said = self.said or os.strerror(number)
        return OSError(number, os.strerror(number), operation)

    def before(self, operation: str, *, writes: bool = False) -> None:
        fault = self.next(operation, writes=writes)
        if fault is not None:
            raise fault


class DiesWhen(Disk):
    """A process is killed in the first write before which a condition on its files holds."""

    def __init__(self, root: Path, holds: Callable[[], bool]) -> None:
        super().__init__(root)
        self._holds = holds
        self._looking = False

    def next(self, operation: str, *, writes: bool = False) -> BaseException | None:
        if self._looking:
            return None
        if operation == "write":
            self._looking = True
            self.fatal = self.done if self._holds() else self.fatal
            self._looking = False
        return super().next(operation, writes=writes)


class _Written:
    """A new file; the fatal write leaves half of its content."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        fault = self._disk.next("write", writes=True)
        self._file.write(content if fault is None else content[: len(content) // 2])
        if fault is not None:
            self._file.flush()
            raise fault

    def flush(self) -> None:
        self._file.flush()

    def fileno(self) -> int:
        number: int = self._file.fileno()
        return number


class _Read(io.FileIO):
    """A file that Arrow reads through Python."""

    disk: Disk

    def read(self, size: int | None = -1, /) -> bytes:
        self.disk.before("read")
        return super().read(-1 if size is None else size)


def by_path(disk: Disk, function: Callable[..., Any], writes: bool) -> Callable[..., Any]:
    """An operation on a path, which asks the disk before it works on a file of its own."""

    def operation(path: Any = ".", *rest: Any, **named: Any) -> Any:
        if disk.mine(path):
            disk.before(function.__name__, writes=writes)
        return function(path, *rest, **named)

    return operation


def by_descriptor(disk: Disk, function: Callable[..., Any], writes: bool) -> Callable[..., Any]:
    """An operation on an open file, which asks the disk first."""

    def operation(*words: Any) -> Any:
        disk.before(function.__name__, writes=writes)
        return function(*words)

    return operation


def opening(disk: Disk) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`io.open` and `pa.OSFile` on this disk."""
    real_open, real_file = io.open, pa.OSFile

    def opened(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if not disk.mine(path):
            return real_open(path, mode, *rest, **named)
        writes = mode != "r" and mode != "rb"
        disk.before("open", writes=writes)
        file = real_open(path, mode, *rest, **named)
        return _Written(file, disk) if writes else file

    def arrow_file(path: Any, mode: str = "r") -> Any:
        if not disk.mine(path):
            return real_file(path, mode)
        disk.before("open")
        file = _Read(path)
        file.disk = disk
        return pa.PythonFile(file, mode="r")

    return opened, arrow_file


@contextmanager
def failing(disk: Disk) -> Iterator[Disk]:
    """Until the end of the block every operation of this process goes by the disk."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("mkdir", "replace", "link"):
            patch.setattr(os, name, by_path(disk, getattr(os, name), writes=True))
        for name in ("listdir", "scandir", "unlink", "rmdir", "open", "lstat", "stat"):
            patch.setattr(os, name, by_path(disk, getattr(os, name), writes=False))
        patch.setattr(os, "fsync", by_descriptor(disk, os.fsync, writes=True))
        patch.setattr(fcntl, "flock", by_descriptor(disk, fcntl.flock, writes=False))
        patch.setattr(whole_files, "exchange", by_path(disk, whole_files.exchange, writes=True))
        opened, arrow_file = opening(disk)
        patch.setattr(io, "open", opened)
        patch.setattr(pa, "OSFile", arrow_file)
        yield disk

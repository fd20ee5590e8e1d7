"""Where a run lies: a local folder, or a place that pyarrow's file systems reach by a URI."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from runner.errors import RequestError, StorageError

CARRY_ON = "what was committed is whole, and the same command carries on"


class Storage(Protocol):
    """Whole files under keys such as `curves/part-000001.parquet`, and one writer of them.

    `where` names the place in the user's words. `names` has what lies directly in a folder
    (`""` is the run's own), sorted, without names that start with a dot or an underscore.
    `write` puts a whole file or none. `open` and `delete` raise FileNotFoundError. All raise
    StorageError where the place fails, and where it is a link that leads out of the run.
    `next_part` is a name in a folder that no part file has. While it is held, `rival` is a writer
    that was there before and may not have ended; None where that cannot be.
    """

    where: str
    rival: str | None

    def names(self, folder: str) -> list[str]: ...

    def open(self, key: str) -> pa.NativeFile: ...

    def write(self, key: str, content: bytes) -> None: ...

    def delete(self, key: str) -> None: ...

    def hold(self) -> AbstractContextManager[None]: ...

    def next_part(self, folder: str) -> str: ...


Where = str | Path | Storage


def storage_at(where: Where) -> Storage:
    """The storage of a path or URI; one that is a storage already stays as it is."""
    if not isinstance(where, str | Path):
        return where
    text = str(where)
    if "://" not in text:
        return LocalFolder(Path(where))
    from runner.object_store import object_store

    return object_store(text)


def numbered(names: list[str]) -> int:
    """The number after the largest of `part-000007.parquet`, `part-000009-1f3a.parquet`."""
    stems = (name.removeprefix("part-").partition(".")[0].partition("-")[0] for name in names)
    return max((int(stem) for stem in stems if stem.isdecimal()), default=-1) + 1


class LocalFolder:
    """A folder of this machine, or a mounted one.

    A file is written under a temporary name that starts with a dot, which readers of a data set
    skip, synced, and renamed: a reader sees the old file or the new one, never a part.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.where = str(root)
        self.rival: str | None = None

    def names(self, folder: str) -> list[str]:
        path = self._path(folder)
        if not path.is_dir():
            return []
        return sorted(p.name for p in path.iterdir() if p.name[0] not in "._")

    def open(self, key: str) -> pa.NativeFile:
        return pa.OSFile(str(self._path(key)), "r")

    def write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise StorageError(
                f"cannot write {key} in {self.where!r}: {error.strerror or error}; {CARRY_ON} "
                "once there is room and the folder can be written"
            ) from error

    def delete(self, key: str) -> None:
        self._path(key).unlink()

    def next_part(self, folder: str) -> str:
        return f"part-{numbered(self.names(folder)):06d}.parquet"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only writer; the system releases the hold however the process ends."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RequestError(f"cannot write to {self.where!r}: {error.strerror}") from None
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RequestError(
                    f"another caviar is writing to {self.where!r}; wait for it, or use another "
                    "--out"
                ) from None
            self._sweep()
            yield
        finally:
            os.close(folder)

    def _sweep(self) -> None:
        """Remove what a driver left that was killed while writing; no one else writes here."""
        for folder in self.root.iterdir():
            if folder.is_dir() and not folder.is_symlink():
                for left_over in folder.glob(".*.tmp"):
                    left_over.unlink()

    def _path(self, key: str) -> Path:
        path = self.root
        for name in key.split("/") if key else ():
            path = path / name
            if name in ("", ".", "..") or path.is_symlink():
                raise StorageError(
                    f"{key} in {self.where!r} leads out of the run: {str(path)!r} is a symbolic "
                    "link; a run holds plain files and folders, put them in its place"
                )
        return path


def write_whole(path: Path, content: bytes) -> None:
    """Write, sync and rename; what could not be written whole leaves nothing."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(storage: Storage, key: str) -> bytes:
    """The whole content of a file."""
    try:
        with storage.open(key) as file:
            content: bytes = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise StorageError(f"cannot read {key} in {storage.where!r}: {error}") from error
    return content

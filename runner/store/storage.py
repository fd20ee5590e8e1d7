"""The interface of a place for a run, and reading whole files from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

from caviar.runner.errors import StorageError

CARRY_ON = "what was committed is whole, and the same command carries on"

ROOM = "there is room and the folder can be written"


class Storage(Protocol):
    """Whole files under keys such as `curves/part-000001.parquet`, and one writer of them.

    `where` names the place in the user's words. `names` lists the entries of a folder (`""` is
    the run's own), sorted, without names that start with a dot or an underscore. `write` writes a
    whole file or nothing. `open` and `delete` raise FileNotFoundError, and `open` any OSError of a
    file that cannot be read. All raise StorageError if the place fails, or if a link leads out of
    the run. `add` writes the next part file of a folder and gives its name, which no other part
    file has. `replace` puts one in place of some others, which are numbered, and gives its name.
    While the storage is held, `rival` is an earlier writer that may still be running.

    `append` adds whole lines to a log, which `appended` gives back, perhaps with a torn line
    where a writer was killed; lines may wait `append_seconds` for others, as an append costs that
    much. `is_held` says whether a writer is alive at the time `now`, and `written_last` when the
    place was last written to; both are in seconds since 1970.
    """

    where: str
    rival: str | None
    append_seconds: float

    def names(self, folder: str) -> list[str]: ...

    def open(self, key: str) -> pa.NativeFile: ...

    def write(self, key: str, content: bytes) -> None: ...

    def delete(self, key: str) -> None: ...

    def hold(self) -> AbstractContextManager[None]: ...

    def add(self, folder: str, content: bytes) -> str: ...

    def replace(self, folder: str, names: Sequence[str], content: bytes) -> str: ...

    def append(self, key: str, lines: bytes) -> None: ...

    def appended(self, key: str) -> bytes: ...

    def is_held(self, now: float) -> bool: ...

    def written_last(self) -> float | None: ...


def read(storage: Storage, key: str) -> bytes:
    """The whole content of a file; raises FileNotFoundError and StorageError."""
    try:
        with storage.open(key) as file:
            content: bytes = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise unreadable(storage, key, error) from error
    return content


def unreadable(storage: Storage, key: str, error: OSError) -> StorageError:
    """The error for a file that cannot be read because of the place, not of its content."""
    return StorageError(
        f"cannot read {key} in {storage.where!r}: {reason(error)}; {CARRY_ON} once it can be read"
    )


def reason(error: Exception) -> str:
    """The operating system's message, or the first line of a library's."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

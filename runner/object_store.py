"""A run in an object store, or on another file system that pyarrow reaches by a URI."""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pyarrow as pa
from pyarrow import fs

from runner.errors import RequestError, StorageError
from runner.storage import CARRY_ON, LocalFolder, Storage, numbered

WRITER = "_writer.json"
ATOMIC = ("s3", "gcs", "abfs")
"""File systems whose objects appear with their last byte; elsewhere a rename makes them."""


def object_store(uri: str) -> Storage:
    """The storage behind a URI; raises RequestError where pyarrow cannot reach it."""
    try:
        system, path = fs.FileSystem.from_uri(uri)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RequestError(
            f"cannot reach {uri!r}: {_first_line(error)}; give a folder, or a URI that pyarrow "
            "knows, such as s3://bucket/run?region=eu-central-1"
        ) from None
    if isinstance(system, fs.LocalFileSystem):
        from pathlib import Path

        return LocalFolder(Path(path))
    return ObjectStore(system, path.rstrip("/"), uri)


class ObjectStore:
    """A run under a path of a pyarrow file system.

    Objects are serialised in memory and put whole. There is no lock to be had, so the newest
    driver wins: it writes its name into `_writer.json`, and one that finds another name there
    stops before it writes anything more. The part files of two drivers have different names.
    """

    def __init__(self, system: fs.FileSystem, path: str, where: str) -> None:
        self._system = system
        self._path = path
        self._session: str | None = None
        self.where = where

    def names(self, folder: str) -> list[str]:
        selector = fs.FileSelector(self._full(folder), allow_not_found=True)
        with self._spoken("cannot list", folder or "the run"):
            found = self._system.get_file_info(selector)
        return sorted(info.base_name for info in found if info.base_name[0] not in "._")

    def open(self, key: str) -> pa.NativeFile:
        with self._spoken("cannot read", key):
            return self._system.open_input_file(self._full(key))

    def write(self, key: str, content: bytes) -> None:
        with self._spoken("cannot write", key):
            self._fence()
            self._put(key, content)

    def delete(self, key: str) -> None:
        with self._spoken("cannot delete", key):
            self._system.delete_file(self._full(key))

    def next_part(self, names: list[str]) -> str:
        return f"part-{numbered(names):06d}-{self._session or 'unheld'}.parquet"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the newest writer; an older one stops at its next write."""
        self._session = secrets.token_hex(4)
        who = {
            "session": self._session,
            "host": platform.node(),
            "process": os.getpid(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        try:
            with self._spoken("cannot write", WRITER):
                self._put(WRITER, json.dumps(who).encode())
        except StorageError as error:
            raise RequestError(str(error)) from None
        try:
            yield
        finally:
            with suppress(OSError, StorageError):
                self._fence()
                self._system.delete_file(self._full(WRITER))

    def _fence(self) -> None:
        if self._session is None:
            return
        try:
            with self._system.open_input_file(self._full(WRITER)) as file:
                content = file.read()
        except FileNotFoundError:
            raise StorageError(
                f"{WRITER} in {self.where!r} is gone, so another caviar may write there; "
                f"this one stops, {CARRY_ON}"
            ) from None
        if self._session.encode() not in content:
            who = content[:200].decode("utf-8", "backslashreplace")
            raise StorageError(
                f"another caviar ({who}) has taken over {self.where!r}; this one stops"
            )

    def _put(self, key: str, content: bytes) -> None:
        path = self._full(key)
        if self._system.type_name in ATOMIC:
            self._stream(path, content)
            return
        folder, _, name = path.rpartition("/")
        self._system.create_dir(folder, recursive=True)
        self._stream(f"{folder}/.{name}.tmp", content)
        self._system.move(f"{folder}/.{name}.tmp", path)

    def _stream(self, path: str, content: bytes) -> None:
        # Not `with`: leaving it by an exception would close, and so complete, half an object.
        stream = self._system.open_output_stream(path)
        stream.write(content)
        stream.close()

    def _full(self, key: str) -> str:
        return f"{self._path}/{key}" if key else self._path

    @contextmanager
    def _spoken(self, what: str, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise StorageError(
                f"{what} {key} in {self.where!r}: {_first_line(error)}; {CARRY_ON} once the "
                "place can be reached"
            ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

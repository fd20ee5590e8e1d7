"""A run in an object store, or in another file system that pyarrow opens by a URI."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from caviar.runner.errors import RequestError, StorageError
from caviar.runner.store import s3_limits as s3
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.part_files import over_parts
from caviar.runner.store.part_names import name_for, numbered
from caviar.runner.store.storage import CARRY_ON, Storage, read, reason
from caviar.runner.store.uri import masked

WRITER = "_writer.json"
ATOMIC = ("s3", "gcs", "abfs")
"""File systems whose objects appear only when complete; elsewhere a file is renamed into place."""

WHOLE = 4 * 2**20
"""An object of at most this many bytes is read in one request, whatever part is needed."""

DELETES = 16
"""Objects that are deleted at once, as each takes a distant store two answers."""

SILENT_SECONDS = 120.0
"""A driver that has written nothing for as long is taken for dead; it logs every ten seconds."""

WRONG = re.compile(
    "NO_SUCH_BUCKET|ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|NOT_FOUND"
    "|INVALID_CLIENT_TOKEN_ID|INVALID_TOKEN|EXPIRED|HTTP status (301|400|403|404)|not found"
)
"""What a store answers to a wrong request, which it makes no sense to repeat."""


def object_store(uri: str) -> Storage:
    """The storage behind a URI; raises RequestError if pyarrow does not know it, and StorageError
    if the place does not answer."""
    shown = masked(uri)
    try:
        system, path = fs.FileSystem.from_uri(uri)
        if isinstance(system, fs.LocalFileSystem):
            return LocalFolder(Path(path))
        if "//" in path:
            raise ValueError("a name in its path is empty")
        small = system
        if isinstance(system, fs.S3FileSystem):
            small, system = (s3.bounded(uri, system, one_request=yes) for yes in (True, False))
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"cannot reach {shown!r}: {_said(error).replace(uri, shown)}"
        if isinstance(error, OSError) and not WRONG.search(message):
            raise StorageError(f"{message}; the same command carries on once it answers") from None
        raise RequestError(
            f"{message}; give a folder, or a URI that pyarrow knows, such as "
            "s3://bucket/run?region=eu-central-1"
        ) from None
    return ObjectStore(system, path.rstrip("/"), shown, small)


class ObjectStore:
    """A run under a path of a pyarrow file system.

    Objects are serialised in memory and written whole; `small` is the file system for small
    ones. Object stores have no locks, so the newest driver wins: it writes its name into
    `_writer.json`, and a driver that reads another name there stops before it writes anything
    more. A put that was on its way still arrives; it costs nothing, since the name of a part file
    says what it holds and a newer driver's attempts have other numbers. `where` contains no secret.

    Objects do not grow: lines appended to `log.jsonl` are objects of the folder `log`, which a
    compaction merges.
    """

    append_seconds = 10.0

    def __init__(
        self, system: fs.FileSystem, path: str, where: str, small: fs.FileSystem | None = None
    ) -> None:
        self._system = system
        self._small = small or system
        self._path = path
        self._session: str | None = None
        self._next: dict[str, int] = {}
        self.where = where
        self.rival: str | None = None

    def names(self, folder: str) -> list[str]:
        selector = fs.FileSelector(self._full(folder), allow_not_found=True)
        with self._spoken("cannot list", folder or "the run"):
            entries = self._system.get_file_info(selector)
        return sorted(info.base_name for info in entries if info.base_name[0] not in "._")

    def open(self, key: str) -> pa.NativeFile:
        with self._spoken("cannot read", key):
            file = self._system.open_input_file(self._full(key))
            return file if file.size() > WHOLE else pa.BufferReader(file.read_buffer())

    def write(self, key: str, content: bytes) -> None:
        with self._spoken("cannot write", key):
            self._fence()
            self._put(key, content)

    def delete(self, key: str) -> None:
        with self._spoken("cannot delete", key):
            self._fence()
            self._system.delete_file(self._full(key))

    def add(self, folder: str, content: bytes) -> str:
        name = self._next_part(folder, content)
        self.write(f"{folder}/{name}", content)
        return name

    def replace(self, folder: str, names: Sequence[str], content: bytes) -> str:
        """Readers of this package pass over what the new part replaces until it is removed."""
        name = name_for(names, _sign(content))
        self.write(f"{folder}/{name}", content)
        with ThreadPoolExecutor(DELETES) as pool:
            list(pool.map(self.delete, [f"{folder}/{replaced}" for replaced in names]))
        return name

    def append(self, key: str, lines: bytes) -> None:
        folder, _, suffix = key.rpartition(".")
        self.write(f"{folder}/{self._next_part(folder, lines, suffix)}", lines)

    def appended(self, key: str) -> bytes:
        folder, _, suffix = key.rpartition(".")
        lines = over_parts(self, folder, lambda name: read(self, f"{folder}/{name}"), kind=suffix)
        return b"".join(lines)

    def is_held(self, now: float) -> bool:
        """Whether a driver that has not said goodbye wrote something lately."""
        with self._spoken("cannot read", WRITER):
            if self._writer() is None:
                return False
        return now - (self.written_last() or 0.0) < SILENT_SECONDS

    def written_last(self) -> float | None:
        selector = fs.FileSelector(self._path, allow_not_found=True, recursive=True)
        with self._spoken("cannot list", "the run"):
            entries = self._system.get_file_info(selector)
        times = [info.mtime.timestamp() for info in entries if info.mtime and info.is_file]
        return max(times, default=None)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the newest writer; an older one, whom `rival` names, stops at its next write."""
        session = secrets.token_hex(4)
        who = {
            "session": session,
            "host": platform.node(),
            "process": os.getpid(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        with self._spoken("cannot write", WRITER):
            before = self._writer()
            self._put(WRITER, json.dumps(who).encode())
        self.rival = None if before is None else _named(before)
        self._session, self._next = session, {}
        try:
            yield
        except StorageError:
            # The place fails, or belongs to another driver by now: leave its `_writer.json`.
            raise
        except BaseException:
            self._release()
            raise
        self._release()

    def _next_part(self, folder: str, content: bytes, kind: str = "parquet") -> str:
        """A name that is counted from a single listing."""
        if folder not in self._next:
            self._next[folder] = numbered(self.names(folder))
        number, self._next[folder] = self._next[folder], self._next[folder] + 1
        return f"part-{number:06d}-{_sign(content)}.{kind}"

    def _release(self) -> None:
        with suppress(OSError, StorageError):
            self._fence()
            self._system.delete_file(self._full(WRITER))
        self._session = None

    def _fence(self) -> None:
        if self._session is None:
            return
        content = self._writer()
        if content is None:
            raise StorageError(
                f"{WRITER} in {self.where!r} is gone, so another caviar may have written there; "
                f"this one stops, {CARRY_ON}"
            )
        if self._session.encode() not in content:
            raise StorageError(
                f"{_named(content)} has taken over {self.where!r}; this one stops and writes "
                "nothing more"
            )

    def _writer(self) -> bytes | None:
        try:
            with self._system.open_input_file(self._full(WRITER)) as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content

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
        # Not `with`: an exception would close the stream, and so complete half an object.
        system = self._small if len(content) <= s3.SMALL else self._system
        stream = system.open_output_stream(path)
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
            message = f"{what} {key} in {self.where!r}: {_said(error)}"
            if self._session is None and WRONG.search(message):
                raise RequestError(message) from error
            raise StorageError(f"{message}; {CARRY_ON} once the place can be reached") from error


def _sign(content: bytes) -> str:
    """What a part's name says of its content: two drivers that write the same plan write one
    object, and two that write different rows never the same one."""
    return hashlib.sha256(content).hexdigest()[:8]


def _named(writer: bytes) -> str:
    """The writer of a `_writer.json` in words."""
    try:
        who = json.loads(writer)
        return f"caviar (process {who['process']} on {who['host']}, since {who['started']})"
    except (ValueError, TypeError, KeyError):
        return "another caviar"


def _said(error: Exception) -> str:
    """What happened, in one line, without the store's request number."""
    line = reason(error)
    return re.sub(r" \(Request ID: [^)]*\)", "", line)

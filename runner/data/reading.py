"""What every reader of a file of data does first: look at it, bound it, unpack it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from caviar.runner.errors import RequestError
from caviar.runner.limits import MOST_FILE_BYTES, MOST_VALUES

GZIP, BZIP2, XZ, ZSTD, LZ4 = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
)
ZIP = b"PK\x03\x04"


def check_plain(path: Path) -> None:
    """Refuse what is not a readable file, without opening it: a pipe would wait for its writer,
    a device has no end."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        why = "" if isinstance(error, FileNotFoundError) else f" ({error})"
        raise RequestError(f"dataset: there is no file {str(path)!r}{why}") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a device or a socket"
        more = " without Parquet files" if kind == "a folder" else ""
        raise RequestError(f"dataset: there is no file {str(path)!r}: that is {kind}{more}")
    if not os.access(path, os.R_OK):
        raise RequestError(f"dataset: {str(path)!r} may not be read; change its permissions")
    check_size(path.name, status.st_size)


def too_large(source: str, size: str) -> RequestError:
    """The refusal of a file that has, or unpacks to, too many bytes."""
    return RequestError(
        f"{source} {size}, above the {MOST_FILE_BYTES:,} that a file of data may have; take "
        "fewer rows"
    )


def check_values(source: str, count: int, promise: str) -> None:
    """Raise RequestError for more values than a data set may have."""
    if count > MOST_VALUES:
        raise RequestError(
            f"{source}: {promise}, {count:,} values, above the {MOST_VALUES:,} that a data set may "
            "have; take fewer rows or columns"
        )


def check_bytes(source: str, total: int) -> None:
    """Raise RequestError for more bytes than a file may unpack to."""
    if total > MOST_FILE_BYTES:
        raise too_large(source, f"unpacks to {total:,} bytes and more")


def check_unpacked(source: str, total: int) -> None:
    """Raise RequestError for more bytes than the values of a data set may take in memory."""
    if total > 8 * MOST_VALUES:
        raise too_large(source, f"unpacks to {total:,} bytes and more")


def check_size(source: str, size: int) -> None:
    """Raise RequestError for a file of too many bytes."""
    if size > MOST_FILE_BYTES:
        raise too_large(source, f"has {size:,} bytes")


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """What a library raises on a damaged file, each in its own way, becomes one sentence."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise RequestError(f"{path.name}: not a {kind} ({reason})") from None


def first_bytes(path: Path, count: int = 8) -> bytes:
    """The head of a file, which tells its kind whatever its name says."""
    with path.open("rb") as file:
        return file.read(count)


def unpacked(path: Path) -> IO[bytes]:
    """A file opened for reading, unpacked as its first bytes say."""
    import pyarrow as pa

    head = first_bytes(path)
    for magic, opened in ((GZIP, gzip.open), (BZIP2, bz2.open), (XZ, lzma.open)):
        if head.startswith(magic):
            return cast("IO[bytes]", opened(path, "rb"))
    for magic, name in ((ZSTD, "zstd"), (LZ4, "lz4")):
        if head.startswith(magic):
            return cast("IO[bytes]", pa.input_stream(str(path), compression=name))
    return _only_member(path) if head.startswith(ZIP) else path.open("rb")


def _only_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX")]
    if len(names) != 1:
        raise RequestError(
            f"{path.name} holds {len(names)} files ({', '.join(names[:3])}); an archive of a table "
            "has one: unpack it and give the path of the one to read"
        )
    return archive.open(names[0])


def head_of(path: Path, count: int = 2**16) -> bytes:
    """The first unpacked bytes."""
    with unpacked(path) as stream:
        return bytes(cast(Any, stream).read(count))

"""Where a file of data lies: on this machine, or in an object store that it is copied from."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caviar.runner.data.reading import check_size
from caviar.runner.errors import RequestError

STORES = ("s3", "gs", "gcs", "abfs", "hdfs")


def without_home(text: str) -> str:
    """A path, a command or any other text with `~` for the user's home folder."""
    for home in _homes():
        text = re.sub(rf"(?<![\w.~/-]){re.escape(home)}(?![\w.-])", "~", text)
    return text


def _homes() -> list[str]:
    """The user's home folder as it is named, and where it lies if that is a link."""
    home = os.path.expanduser("~").rstrip("/")
    return list(dict.fromkeys((os.path.realpath(home), home))) if home else []


def from_folder(path: str, folder: Path) -> str:
    """A path as it is written in `folder`; one that shares no folder with it but the home or what
    lies above, and a URI, is written in full, with `~` for the home folder."""
    if "://" in path or not os.path.isabs(path):
        return path
    if Path(path).is_relative_to(folder):
        return os.path.relpath(path, folder)
    shared = os.path.commonpath([path, folder])
    if any(Path(home).is_relative_to(shared) for home in (*_homes(), "/")):
        return without_home(path)
    return os.path.relpath(path, folder)


@contextmanager
def local(place: str) -> Iterator[Path]:
    """The path of a file of data while it is read; one in an object store is copied for that.

    Raises RequestError for places that are not read.
    """
    scheme, mark, _ = place.partition("://")
    if not mark:
        yield Path(place).expanduser()  # As a run records it.
        return
    if scheme not in STORES:
        raise RequestError(
            f"dataset: data are not read from {scheme}://; download the file and give its path, or "
            f"put it into an object store ({STORES[0]}://...)"
        )
    with tempfile.TemporaryDirectory(prefix="caviar-data-") as folder:
        yield _copied(place, Path(folder))


def _copied(place: str, folder: Path) -> Path:
    from pyarrow import fs

    try:
        system, key = fs.FileSystem.from_uri(place)
        info = system.get_file_info(key)
        if info.type != fs.FileType.File:
            raise RequestError(f"dataset: there is no file {place.partition('?')[0]!r}")
        check_size(Path(key).name, info.size)
        target = folder / Path(key).name
        with system.open_input_stream(key) as source, target.open("wb") as copy:
            while chunk := source.read(2**20):
                copy.write(chunk)
    except (OSError, ValueError, ImportError) as error:
        raise RequestError(
            f"dataset: {place.partition('?')[0]!r} could not be read ({error}); check the "
            "address, the region and your credentials"
        ) from None
    return target

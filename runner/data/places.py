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


def without_home(word: str) -> str:
    """A path or a word of a command with `~` for the user's home folder."""
    home = os.path.expanduser("~").rstrip("/")
    return re.sub(rf"(^|=|\"){re.escape(home)}(?=/|$)", r"\1~", word) if home else word


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

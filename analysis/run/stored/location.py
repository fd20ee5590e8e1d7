"""The location of a run, for reading it and writing its report: a folder, or a URI for pyarrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from caviar.analysis.run.stored.part_names import current, replacing

AT_ONCE = 16
"""The number of simultaneous requests to a remote place."""

WITHOUT_ATTEMPTS = ("trials", "interventions", "readings", "reading_layers")
"""Tables whose rows belong to a trial, and not to one attempt at it."""

FLAT = ("s3", "gcs", "abfs")
"""Stores in which a folder need not be made before a file is put into it."""


class DamagedError(ValueError):
    """A file of a run cannot be read or is not what its name says; the message is one sentence.

    >>> issubclass(caviar.DamagedError, ValueError)
    True
    """


@dataclass(frozen=True)
class Place:
    """A path of a file system; `shown` is what may be printed, a path or a URI without secrets."""

    system: fs.FileSystem
    path: str
    shown: Path | str

    @property
    def is_local(self) -> bool:
        return isinstance(self.system, fs.LocalFileSystem)


def place_at(where: str | Path) -> Place:
    """The place of a path or URI; raises ValueError for a URI that pyarrow does not know."""
    if "://" not in str(where):
        return Place(fs.LocalFileSystem(), str(Path(where)), Path(where))
    uri, shown = str(where), masked(str(where))
    try:
        system, path = fs.FileSystem.from_uri(uri)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).replace(uri, shown)
        raise ValueError(f"cannot reach {shown!r}: {reason}") from None
    local = isinstance(system, fs.LocalFileSystem)
    return Place(system, path.rstrip("/"), Path(path) if local else shown)


def masked(uri: str) -> str:
    """A URI with `***` for `KEY:SECRET@` and for parameters whose names suggest a secret."""
    without = re.sub(r"://.*:.*@", "://***@", uri, flags=re.DOTALL)
    secret = r"([?&][^=&]*(?:key|secret|token|password|sig|credential)[^=&]*=)[^&]*"
    return re.sub(secret, r"\1***", without, flags=re.IGNORECASE)


def content(place: Place, key: str) -> bytes:
    """The whole content of a file; raises FileNotFoundError."""
    with place.system.open_input_stream(f"{place.path}/{key}") as file:
        data: bytes = file.read()
    return data


def parts(place: Place, table: str) -> list[pa.Table]:
    """The part files of a table, in the order of their names; none where there is no table.

    Raises DamagedError for a file that is not a part of that table.
    """
    return list(each_part(place, table, None, lambda part: part, {}).values())


T = TypeVar("T")


def each_part(
    place: Place,
    table: str,
    columns: list[str] | None,
    made: Callable[[pa.Table], T],
    known: Mapping[str, T],
) -> dict[str, T]:
    """What is `made` of some columns of each part file, by its name; what is `known` stays.

    Parts are read again if they were merged meanwhile; raises as `parts`.
    """

    def read(info: fs.FileInfo) -> T:
        if info.base_name in known:
            return known[info.base_name]
        key = f"{table}/{info.base_name}"
        # Reading a pipe would wait forever, and a folder would be read as a data set of its own.
        if info.type is not fs.FileType.File:
            raise DamagedError(f"{key} in {str(place.shown)!r} is not a regular file; move it")
        with _readable(place, key), place.system.open_input_file(info.path) as file:
            part = _checked(pq.read_table(file, columns=columns), table)
        return made(part)

    while True:
        before = _part_files(place, table)
        counting = current(list(before))
        try:
            with ThreadPoolExecutor(1 if place.is_local else AT_ONCE) as pool:
                tables = list(pool.map(read, [before[name] for name in counting]))
        except FileNotFoundError:
            if before.keys() <= _part_files(place, table).keys():
                raise
            continue
        # A listing made while parts were merged may lack some.
        if replacing(list(_part_files(place, table))).keys() <= before.keys():
            return dict(zip(counting, tables, strict=True))


def _part_files(place: Place, table: str) -> dict[str, fs.FileInfo]:
    """The part files of a table by name, in order."""
    folder = fs.FileSelector(f"{place.path}/{table}", allow_not_found=True)
    try:
        listed = place.system.get_file_info(folder)
    except NotADirectoryError:
        raise DamagedError(f"{table} in {str(place.shown)!r} is not a folder") from None
    named = {info.base_name: info for info in listed}
    return {name: named[name] for name in sorted(named) if _is_part(name)}


@contextmanager
def _readable(place: Place, key: str) -> Iterator[None]:
    """Turn errors that the content of a file causes, and not its place, into a DamagedError."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedError(
            f"{key} in {str(place.shown)!r} cannot be read ({reason}); "
            "`caviar verify` lists what else is damaged"
        ) from None


def _checked(part: pa.Table, table: str) -> pa.Table:
    """The part itself; raises ValueError where its rows do not name a trial and an attempt."""
    wanted = {"trial_id": pa.string()}
    wanted |= {"attempt": pa.int32()} if table not in WITHOUT_ATTEMPTS else {}
    for name, kind in wanted.items():
        if name not in part.column_names:
            raise ValueError(f"it has no column {name}")
        stored = part.schema.field(name).type
        if pa.types.is_integer(stored) != pa.types.is_integer(kind) or part[name].null_count:
            raise ValueError(f"its column {name} is not that of a run")
    return part


def _is_part(name: str) -> bool:
    return name.startswith("part-") and name.endswith(".parquet")


@contextmanager
def published(place: Place, name: str) -> Iterator[Path]:
    """A local folder whose content after the block is the folder `name` of the run.

    Where the run is a local folder it is that folder itself; raises OSError if a symbolic link
    in it leads elsewhere.
    """
    if place.is_local:
        folder = Path(place.path) / name
        _must_stay(folder)
        yield folder
        return
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        yield folder
        _put(place, name, folder)


def _must_stay(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            raise OSError(
                f"{str(path)!r} is a symbolic link, and a report is written only inside its run; "
                "remove the link"
            )


def _put(place: Place, name: str, folder: Path) -> None:
    """Upload all files of a folder, those at its top (the page) last."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]

    def put(file: Path) -> None:
        path = f"{place.path}/{name}/{file.as_posix()}"
        if place.system.type_name not in FLAT:
            place.system.create_dir(path.rpartition("/")[0], recursive=True)
        stream = place.system.open_output_stream(path)
        stream.write((folder / file).read_bytes())
        stream.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for top in (False, True):
            list(pool.map(put, [file for file in files if (len(file.parts) == 1) is top]))

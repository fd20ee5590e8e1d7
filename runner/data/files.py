"""Examples from files: tables (CSV, Parquet), NPZ and IDX; nothing is trusted before it is read.

A file says how large it is, or a count of it does, and what is above the limits is refused
before it is held in memory.
"""

from __future__ import annotations

import gzip
import math
import os
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from caviar.model.contract import Array
from caviar.runner.config import DatasetConfig
from caviar.runner.data.columns import (
    EXACT,
    check_label,
    check_width,
    chosen_columns,
    from_table,
)
from caviar.runner.data.labels import is_text
from caviar.runner.data.splits import Data, checked, merged
from caviar.runner.errors import RequestError
from caviar.runner.limits import MOST_FILE_BYTES, MOST_VALUES


def table_file(path: Path, dataset: DatasetConfig) -> Data:
    """The examples of a Parquet or NPZ file by its suffix, else of a CSV table."""
    readers: dict[str, Callable[[Path, DatasetConfig], Data]] = {
        ".parquet": _parquet,
        ".npz": _npz,
    }
    _check_plain(path)
    return readers.get(path.suffix.lower(), _csv)(path, dataset)


def _check_plain(path: Path) -> None:
    """Refuse what is no readable file, without opening it: a pipe would wait for its writer,
    a device has no end."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        why = "" if isinstance(error, FileNotFoundError) else f" ({error})"
        raise RequestError(f"dataset: there is no file {str(path)!r}{why}") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a device or a socket"
        raise RequestError(f"dataset: there is no file {str(path)!r}: that is {kind}")
    if not os.access(path, os.R_OK):
        raise RequestError(f"dataset: {str(path)!r} may not be read; change its permissions")
    if found.st_size > MOST_FILE_BYTES:
        raise _too_large(path.name, f"has {found.st_size:,} bytes")


def _too_large(source: str, said: str) -> RequestError:
    return RequestError(
        f"{source} {said}, above the {MOST_FILE_BYTES:,} that a file of data may have; take "
        "fewer rows"
    )


def _check_values(source: str, count: int, said: str) -> None:
    if count > MOST_VALUES:
        raise RequestError(
            f"{source}: {said}, {count:,} values, above the {MOST_VALUES:,} that a data set may "
            "have; take fewer rows or columns"
        )


@contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    """What a library raises on a damaged file, each in its own way, becomes one sentence."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        said = str(error) or type(error).__name__
        raise RequestError(f"{path.name}: not a {kind} ({said})") from None


def _csv(path: Path, dataset: DatasetConfig) -> Data:
    from pyarrow import csv

    with _reading(path, "readable CSV table"):
        _check_text(path)
        # Labels as they are written: a type that is guessed makes 1.1 of 1.10.
        as_written = csv.ConvertOptions(column_types={str(dataset.label): "string"})
        table = csv.read_csv(path, convert_options=as_written)
        _ = table.column_names
    return from_table(table, path.name, dataset)


def _check_text(path: Path) -> None:
    """Count bytes and separators, unpacking as pyarrow does by the name, up to the limits."""
    import pyarrow as pa

    total = separators = 0
    with pa.input_stream(str(path), compression="detect") as stream:
        while chunk := stream.read(2**20):
            if not total:
                check_width(path.name, chunk.partition(b"\n")[0].count(b",") + 1)
            total += len(chunk)
            separators += chunk.count(b",") + chunk.count(b"\n")
            if total > MOST_FILE_BYTES:
                raise _too_large(path.name, f"unpacks to {total:,} bytes and more")
            _check_values(path.name, separators, "so far")


def _parquet(path: Path, dataset: DatasetConfig) -> Data:
    import pyarrow as pa
    from pyarrow import parquet

    label = str(dataset.label)
    with _reading(path, "readable Parquet file"):
        with parquet.ParquetFile(path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
        columns = [*chosen_columns(schema, path.name, dataset).features, label]
        said = f"its footer promises {rows:,} rows of {len(columns):,} columns"
        _check_values(path.name, rows * len(columns), said)
        # As a dictionary: a long label that every row repeats is in memory once.
        text = [label] if is_text(schema.field(label).type) else []
        with parquet.ParquetFile(path, read_dictionary=text) as file:
            read = file.iter_batches(batch_size=4096, columns=columns)
            batches = list(_up_to_the_limit(path.name, read))
            table = pa.Table.from_batches(batches) if batches else file.read(columns=columns)
        table.validate(full=True)  # Arrow reads places beyond a dictionary, and texts of no UTF-8
    return from_table(table, path.name, dataset)


def _up_to_the_limit(source: str, batches: Iterable[Any]) -> Iterator[Any]:
    """The batches of a Parquet file, whose pages may hold more than its footer says."""
    total = 0
    for batch in batches:
        total += batch.nbytes
        if total > 8 * MOST_VALUES:
            raise _too_large(source, f"unpacks to {total:,} bytes and more")
        yield batch


def _npz(path: Path, dataset: DatasetConfig) -> Data:
    import zipfile

    label = str(dataset.label)
    with _reading(path, "plain NPZ file of arrays"), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        check_label(label, list(members), path.name)
        others = sorted(members.keys() - {label})
        if len(others) != 1:
            found = ", ".join(others[:5]) + (f" and {len(others) - 5} more" * (len(others) > 5))
            raise RequestError(
                f"{path.name}: expected one array of features besides {label!r}; "
                f"found {found or 'none'}"
            )
        (name,) = others
        labels, features = (_npy(path, archive, members[n]) for n in (label, name))
    if not (np.isrealobj(features) and np.issubdtype(features.dtype, np.number)):
        if features.dtype != bool:
            raise RequestError(f"{path.name}: {name} is not numeric; its type is {features.dtype}")
    rows = _flat(features)
    _check_whole(rows, path.name, name)
    return checked(
        rows,
        labels,
        source=path.name,
        names=None,
        pixels=_are_images(features, path.name, name, dataset),
        label=label,
        shape=features.shape[1:],
    )


def _check_whole(features: Array, source: str, name: str) -> None:
    """Raise RequestError where float64 makes two whole numbers of a column one."""
    if features.dtype.kind not in "iu" or features.dtype.itemsize < 8:
        return
    if max(abs(int(features.max())), abs(int(features.min()))) > EXACT:
        for i, column in enumerate(features.T):
            if len(np.unique(column)) > len(np.unique(column.astype(np.float64))):
                raise merged(f"column {i} of {name}", source)


def _are_images(features: Array, source: str, name: str, dataset: DatasetConfig) -> bool:
    """More than two dimensions are images, whose pixels share a unit, unless they look like
    channels over time; then the study must say how they are scaled."""
    images = features.ndim > 3 or features.dtype == np.uint8
    if features.ndim == 3 and not images and dataset.scaling is None:
        if features.shape[1] != features.shape[2]:
            raise RequestError(
                f"{source}: {name} is {' × '.join(map(str, features.shape))}: images, or channels "
                'over time? Add scaling = "together" (one unit, as pixels have) or '
                'scaling = "each" (every value by its own deviation) to the dataset'
            )
    return features.ndim > 2


def _npy(path: Path, archive: Any, member: Any) -> Array:
    """One array of an NPZ file, once its head says that it is there and not too large."""
    heads = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    with archive.open(member) as file:
        shape, _, dtype = heads[np.lib.format.read_magic(file)](file)
        values = math.prod(shape)
        shown = " × ".join(map(str, shape)) or "1"
        _check_values(
            path.name, values * max(1, dtype.itemsize // 8), f"{member.filename} is {shown}"
        )
        if not dtype.hasobject and values * dtype.itemsize > member.file_size:
            raise ValueError(f"{member.filename} ends before its {shown} values")
    with archive.open(member) as file:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _flat(features: Array) -> Array:
    """One row an example; what has no examples or values is left for `checked` to refuse."""
    if features.ndim < 2 or not features.size:
        return features[:, None] if features.ndim == 1 else features
    return features.reshape(len(features), -1)


def idx_pair(images: Path, labels: Path) -> Data:
    """The examples of two IDX files."""
    features, truth = _idx(images), _idx(labels)
    if truth.ndim != 1 or features.ndim < 2:
        raise RequestError(
            f"{images.name}, {labels.name}: expected images and labels; "
            f"got arrays of {features.ndim} and {truth.ndim} dimensions (swapped?)"
        )
    return checked(
        _flat(features),
        truth,
        source=images.name,
        names=None,
        pixels=True,
        shape=features.shape[1:],
    )


IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def _idx(path: Path) -> Array:
    """An IDX file (LeCun's MNIST format), plain or gzip: type, dimensions, sizes, values."""
    _check_plain(path)
    with _reading(path, "whole IDX file"), path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            return _idx_array(raw, path.name)
        with gzip.open(raw) as unpacked:
            return _idx_array(unpacked, path.name)


def _idx_array(file: IO[bytes] | gzip.GzipFile, source: str) -> Array:
    zero, kind, dimensions = struct.unpack(">HBB", file.read(4))
    shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
    if zero or not 1 <= dimensions <= 8:
        raise ValueError("wrong magic number")
    dtype = np.dtype(IDX_TYPES[kind])
    values = math.prod(shape)
    _check_values(source, values, f"its head promises {' × '.join(map(str, shape))}")
    body = file.read(values * dtype.itemsize + 1)
    if len(body) != values * dtype.itemsize:
        more = "more" if len(body) > values * dtype.itemsize else "fewer"
        raise ValueError(f"there are {more} values than the {values:,} that its head promises")
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))

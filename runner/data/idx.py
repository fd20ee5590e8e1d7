"""Examples in a pair of files, images and labels: IDX (LeCun's MNIST format) or NPY."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path
from typing import IO

import numpy as np

from caviar.model.contract import Array
from caviar.runner.data.numpy_files import examples, flat, npy, one_each
from caviar.runner.data.reading import GZIP, check_plain, check_values, first_bytes, reading
from caviar.runner.data.splits import Data, checked
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
NPY = b"\x93NUMPY"


def pair(images: Path, labels: Path, dataset: DatasetConfig) -> Data:
    """The examples of two files of arrays."""
    features, are_npy = _array(images)
    truth, _ = _array(labels)
    truth = one_each(truth, labels.name, "labels") if features.ndim > 1 else truth
    if truth.ndim != 1 or features.ndim < 2:
        raise RequestError(
            f"{images.name}, {labels.name}: expected images and labels; "
            f"got arrays of {features.ndim} and {truth.ndim} dimensions (swapped?)"
        )
    if are_npy:
        return examples(features, truth, images.name, "images", dataset)
    return checked(
        flat(features),
        truth,
        source=images.name,
        names=None,
        pixels=True,
        shape=features.shape[1:],
    )


def _array(path: Path) -> tuple[Array, bool]:
    """The array of a file, and whether NumPy wrote it."""
    check_plain(path)
    are_npy = first_bytes(path).startswith(NPY)
    return (npy(path) if are_npy else _idx(path)), are_npy


def _idx(path: Path) -> Array:
    """An IDX file, plain or gzip: type, dimensions, sizes, values."""
    with reading(path, "whole IDX file"), path.open("rb") as raw:
        if not first_bytes(path).startswith(GZIP):
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
    check_values(source, values, f"its head promises {' × '.join(map(str, shape))}")
    body = file.read(values * dtype.itemsize + 1)
    if len(body) != values * dtype.itemsize:
        more = "more" if len(body) > values * dtype.itemsize else "fewer"
        raise ValueError(f"there are {more} values than the {values:,} that its head promises")
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))

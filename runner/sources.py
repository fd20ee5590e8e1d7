"""Where examples come from: scikit-learn's bundled sets, OpenML, tables, NPZ and IDX files."""

from __future__ import annotations

import gzip
import math
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from model.layers import Array
from runner.config import DatasetConfig
from runner.data import Data, checked
from runner.errors import RequestError, nearest

UNREADABLE = (ValueError, OSError, EOFError, KeyError, IndexError, TypeError, zlib.error)
"""What readers of files raise on a damaged one, each in its own way."""

BUNDLED = ("breast_cancer", "digits", "iris", "wine")
OPENML = "openml:"


def load_data(dataset: DatasetConfig) -> Data:
    """The examples of a data set; raises RequestError that says what is wrong with it."""
    if dataset.name is not None:
        if dataset.name.startswith(OPENML):
            return _openml(dataset.name.removeprefix(OPENML))
        return _bundled(dataset.name)
    if dataset.path is not None:
        assert dataset.label is not None
        return _file(Path(dataset.path), dataset.label)
    assert dataset.images is not None and dataset.labels is not None
    return _idx_pair(Path(dataset.images), Path(dataset.labels))


def _bundled(name: str) -> Data:
    if name not in BUNDLED:
        raise RequestError(
            f"unknown dataset {name!r}; {nearest(name, BUNDLED)} "
            f"(also '{OPENML}NAME', {{ path = ..., label = ... }} and "
            "{ images = ..., labels = ... })"
        )
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    labels = np.asarray(bunch.target_names)[bunch.target]
    names = [str(n) for n in bunch.feature_names]
    return checked(bunch.data, labels, source=name, names=names, pixels=name == "digits")


def _openml(name: str) -> Data:
    from urllib.error import URLError

    from sklearn.datasets import fetch_openml

    source = f"{OPENML}{name}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it tries again, and which version it took
            bunch = fetch_openml(name, as_frame=False, n_retries=1, delay=0.1)
    except (URLError, OSError) as error:
        raise RequestError(
            f"{source}: OpenML could not be reached ({error}) and the set is not in "
            "scikit-learn's cache; run once with a network, or copy the cache folder that "
            "sklearn.datasets.get_data_home() names, or use a file: "
            "{ path = ..., label = ... }"
        ) from None
    except ValueError as error:
        raise RequestError(f"{source}: {str(error).splitlines()[0]}") from None
    except (AttributeError, TypeError, KeyError) as error:
        raise RequestError(
            f"{source}: the set names no target column, or is no table for scikit-learn ({error})"
        ) from None
    if hasattr(bunch.data, "toarray"):
        raise RequestError(f"{source}: the set is sparse; only plain tables can be studied")
    names = [str(n) for n in bunch.feature_names]
    features, labels = np.asarray(bunch.data), bunch.target
    if labels is None:
        raise RequestError(f"{source}: the set names no target column")
    if features.dtype == object:
        features = _numeric_columns(dict(zip(names, features.T, strict=True)), source)
    pixels = all(n.lower().startswith("pixel") for n in names)
    return checked(features, np.asarray(labels), source=source, names=names, pixels=pixels)


def _file(path: Path, label: str) -> Data:
    readers: dict[str, Callable[[Path, str], Data]] = {
        ".parquet": _parquet,
        ".npz": _npz,
    }
    _must_exist(path)
    return readers.get(path.suffix.lower(), _csv)(path, label)


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise RequestError(f"dataset: there is no file {str(path)!r}")


def _csv(path: Path, label: str) -> Data:
    from pyarrow import csv

    try:
        table = csv.read_csv(path)
        _ = table.column_names
    except UNREADABLE as error:
        raise RequestError(f"{path.name}: not a readable CSV table ({error})") from None
    return _from_table(table, path.name, label)


def _parquet(path: Path, label: str) -> Data:
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except UNREADABLE as error:
        raise RequestError(f"{path.name}: not a readable Parquet file ({error})") from None
    return _from_table(table, path.name, label)


def _from_table(table: Any, source: str, label: str) -> Data:
    names = [str(n) for n in table.column_names]
    _check_label(label, names, source)
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise RequestError(f"{source}: the column name {repeated[0]!r} stands twice")
    if table.column(label).null_count:
        raise RequestError(f"{source}: the label column {label!r} has missing values")
    features = [n for n in names if n != label]
    if not features:
        raise RequestError(f"{source}: no feature column besides the label {label!r}")
    columns = {n: table.column(n).to_numpy(zero_copy_only=False) for n in features}
    labels = np.asarray(table.column(label).to_pylist())
    if labels.ndim != 1 or labels.dtype == object:
        raise RequestError(f"{source}: the label column {label!r} holds no plain values")
    if labels.dtype.kind == "U" and (labels == "").any():
        raise RequestError(f"{source}: the label column {label!r} has missing values")
    data = _numeric_columns(columns, source)
    return checked(data, labels, source=source, names=features, pixels=False)


def _check_label(label: str, names: list[str], source: str) -> None:
    if label not in names:
        raise RequestError(f"{source}: there is no label {label!r}; {nearest(label, names)}")


def _numeric_columns(columns: dict[str, Array], source: str) -> Array:
    """The columns as one float64 array; object columns must hold numbers or None (missing)."""
    converted = {}
    for name, column in columns.items():
        if np.issubdtype(column.dtype, np.number) or column.dtype == bool:
            converted[name] = column.astype(np.float64)
        elif column.dtype == object and all(
            value is None or isinstance(value, bool | int | float) for value in column
        ):
            converted[name] = np.array([math.nan if v is None else v for v in column], float)
    left_out = [name for name in columns if name not in converted]
    if left_out:
        more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        raise RequestError(
            f"{source}: not numeric: {', '.join(left_out[:5])}{more}; "
            "encode such columns as numbers or leave them out"
        )
    return np.stack(list(converted.values()), axis=1)


def _npz(path: Path, label: str) -> Data:
    import zipfile

    try:
        with zipfile.ZipFile(path):  # np.load would take a single array too
            pass
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        raise RequestError(f"{path.name}: not a plain NPZ file of arrays ({error})") from None
    _check_label(label, list(arrays), path.name)
    labels = arrays.pop(label)
    if len(arrays) != 1:
        raise RequestError(
            f"{path.name}: expected one array of features besides {label!r}; "
            f"found {', '.join(sorted(arrays)) or 'none'}"
        )
    name, features = next(iter(arrays.items()))
    if not (np.isrealobj(features) and np.issubdtype(features.dtype, np.number)):
        if features.dtype != bool:
            raise RequestError(f"{path.name}: {name} is not numeric; its type is {features.dtype}")
    return checked(_flat(features), labels, source=path.name, names=None, pixels=features.ndim > 2)


def _flat(features: Array) -> Array:
    """One row an example; what has no examples or values is left for `checked` to refuse."""
    if features.ndim < 2 or not features.size:
        return features[:, None] if features.ndim == 1 else features
    return features.reshape(len(features), -1)


def _idx_pair(images: Path, labels: Path) -> Data:
    features, truth = _idx(images), _idx(labels)
    if truth.ndim != 1 or features.ndim < 2:
        raise RequestError(
            f"{images.name}, {labels.name}: expected images and labels; "
            f"got arrays of {features.ndim} and {truth.ndim} dimensions (swapped?)"
        )
    return checked(_flat(features), truth, source=images.name, names=None, pixels=True)


IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def _idx(path: Path) -> Array:
    """An IDX file (LeCun's MNIST format), plain or gzip: type, dimensions, sizes, values."""
    _must_exist(path)
    raw = path.read_bytes()
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        zero, kind, dimensions = struct.unpack_from(">HBB", raw)
        shape = struct.unpack_from(f">{dimensions}I", raw, 4)
        if zero or not dimensions:
            raise ValueError("wrong magic number")
        body = np.frombuffer(raw, IDX_TYPES[kind], offset=4 + 4 * dimensions)
        return body.reshape(shape).astype(IDX_TYPES[kind][1:])
    except (*UNREADABLE, struct.error) as error:
        raise RequestError(f"{path.name}: not a whole IDX file ({error})") from None

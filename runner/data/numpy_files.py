"""Examples in NumPy's files: NPZ, as NumPy or Keras writes it, and NPY."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from caviar.model.contract import Array
from caviar.runner.data.columns import EXACT, check_label
from caviar.runner.data.object_arrays import texts_of
from caviar.runner.data.reading import check_values, reading
from caviar.runner.data.splits import Data, checked, merged
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

TRAIN, TEST = "_train", "_test"


def npz(path: Path, dataset: DatasetConfig) -> Data:
    """The examples of an NPZ file of one array of features and one of labels.

    Where their names end in _train and _test, as Keras writes them, the second pair is the test
    split.
    """
    label = str(dataset.label)
    with reading(path, "plain NPZ file of arrays"), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        stem = label.removesuffix(TRAIN)
        if stem + TRAIN in members and stem + TEST in members:
            pairs = [
                _pair(path, archive, _ending(members, part), stem + part) for part in (TRAIN, TEST)
            ]
        else:
            check_label(label, list(members), path.name)
            pairs = [_pair(path, archive, members, label)]
    names = {name for name, _, _ in pairs}
    shapes = {features.shape[1:] for _, features, _ in pairs}
    if len(shapes) > 1:
        raise RequestError(
            f"{path.name}: {' and '.join(sorted(names))} hold examples of different shapes, "
            f"{' and '.join(map(str, sorted(shapes)))}"
        )
    features = np.concatenate([f for _, f, _ in pairs]) if len(pairs) > 1 else pairs[0][1]
    labels = np.concatenate([y for _, _, y in pairs]) if len(pairs) > 1 else pairs[0][2]
    given = len(pairs[1][2]) if len(pairs) > 1 else 0
    return examples(features, labels, path.name, pairs[0][0], dataset, given)


def _ending(members: dict[str, Any], part: str) -> dict[str, Any]:
    return {name: member for name, member in members.items() if name.endswith(part)}


def _pair(
    path: Path, archive: zipfile.ZipFile, members: dict[str, Any], label: str
) -> tuple[str, Array, Array]:
    """The name of the features, the features, and the labels."""
    others = sorted(members.keys() - {label})
    if len(others) != 1:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" * (len(others) > 5))
        raise RequestError(
            f"{path.name}: expected one array of features besides {label!r}; "
            f"found {shown or 'none'}; save the two that belong together"
        )
    (name,) = others
    labels, features = (_member(path, archive, members[n]) for n in (label, name))
    return name, features, one_each(labels, path.name, label)


def examples(
    features: Array, labels: Array, source: str, name: str, dataset: DatasetConfig, given: int = 0
) -> Data:
    """The examples of an array of features, of which the last `given` are the test split."""
    if not (np.isrealobj(features) and np.issubdtype(features.dtype, np.number)):
        if features.dtype != bool:
            raise RequestError(f"{source}: {name} is not numeric; its type is {features.dtype}")
    rows = flat(features)
    check_whole(rows, source, name)
    return checked(
        rows,
        labels,
        source=source,
        names=None,
        pixels=_are_images(features, source, name, dataset),
        label=str(dataset.label),
        shape=features.shape[1:],
        given_test=given,
    )


def one_each(labels: Array, source: str, label: str) -> Array:
    """One label for each example, of one, of a column of one, or of one-hot rows."""
    if labels.ndim != 2 or labels.shape[1] == 0:
        return labels
    if labels.shape[1] == 1:
        return labels[:, 0]
    numeric = labels.dtype.kind in "biuf"
    if numeric and ((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all():
        return np.asarray(labels.argmax(axis=1))
    raise RequestError(
        f"{source}: {label} is {labels.shape[0]} × {labels.shape[1]}; expected one label for each "
        "example, or one-hot rows of a single 1 and zeros"
    )


def _member(path: Path, archive: zipfile.ZipFile, member: Any) -> Array:
    """One array of an NPZ file, once its head says that it is there and not too large."""
    with archive.open(member) as file:
        dtype = _head(file, path.name, member.filename, member.file_size)
    with archive.open(member) as file:
        return _array(file, dtype)


def npy(path: Path) -> Array:
    """The array of an NPY file; raises RequestError."""
    with reading(path, "plain NPY file"):
        with path.open("rb") as file:
            dtype = _head(file, path.name, path.name, path.stat().st_size)
        with path.open("rb") as file:
            return _array(file, dtype)


def _head(file: IO[bytes], source: str, name: str, size: int) -> np.dtype[Any]:
    heads = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = heads[np.lib.format.read_magic(file)](file)
    values = math.prod(shape)
    shown = " × ".join(map(str, shape)) or "1"
    check_values(source, values * max(1, dtype.itemsize // 8), f"{name} is {shown}")
    if not dtype.hasobject and values * dtype.itemsize > size:
        raise ValueError(f"{name} ends before its {shown} values")
    return dtype


def _array(file: IO[bytes], dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "O":
        return texts_of(file)
    array: Array = np.lib.format.read_array(file, allow_pickle=False)
    return array


def flat(features: Array) -> Array:
    """One row per example; an array without examples or values is left for `checked` to refuse."""
    if features.ndim < 2 or not features.size:
        return features[:, None] if features.ndim == 1 else features
    return features.reshape(len(features), -1)


def check_whole(features: Array, source: str, name: str) -> None:
    """Raise RequestError where float64 makes two whole numbers of a column one."""
    if features.dtype.kind not in "iu" or features.dtype.itemsize < 8 or not features.size:
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

"""Where examples come from: scikit-learn's bundled sets, OpenML, or files."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from caviar.model.contract import Array
from caviar.runner.data.files import table_file
from caviar.runner.data.idx import pair
from caviar.runner.data.labels import check_classes
from caviar.runner.data.places import local
from caviar.runner.data.splits import Data, checked
from caviar.runner.errors import RequestError, nearest
from caviar.runner.fields.dataset import DatasetConfig, TestFile

BUNDLED = {
    "breast_cancer": "breast_cancer.csv",
    "digits": "digits.csv.gz",
    "iris": "iris.csv",
    "wine": "wine_data.csv",
}
"""scikit-learn's own files: its import takes longer than all else before a run's first trial."""

OPENML = "openml:"

ON_OPENML = {
    "mnist": "mnist_784",
    "fashionmnist": "Fashion-MNIST",
    "fmnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
    "cifar": "CIFAR_10",
    "cifar10": "CIFAR_10",
    "letter": "letter",
    "letters": "letter",
}
"""What well-known sets, which scikit-learn does not bring, are called on OpenML."""


def load_data(dataset: DatasetConfig) -> Data:
    """The examples of a data set; raises RequestError that says what is wrong with it."""
    data = _loaded(dataset)
    if isinstance(dataset.test, TestFile):
        data = _with_test_file(data, _of_test_file(dataset, dataset.test, data))
    check_classes(data.classes, len(data.labels), data.source)
    given, noise = dataset.scaling is not None, dataset.label_noise
    return replace(data, scaling_given=given, label_noise=noise)


def _of_test_file(dataset: DatasetConfig, test: TestFile, main: Data) -> Data:
    """The examples of a test file, read as the main one was, of the same columns."""
    asked = dataset.model_copy(update={**test.model_dump(), "test": None})
    if main.names is not None:
        asked = asked.model_copy(update={"features": main.names, "exclude": None})
    try:
        return _loaded(asked)
    except RequestError as error:
        raise RequestError(f"dataset.test: {str(error).removeprefix('dataset: ')}") from None


def _with_test_file(data: Data, test: Data) -> Data:
    """The examples of both, those of `test` as the test split of every seed.

    The classes are those of `data`. Raises RequestError where `test` has others, or examples of
    another shape.
    """
    for file in (data, test):
        if file.given_test:
            raise RequestError(
                f"dataset.test: {file.source} is split into a training and a test set already; "
                "give it alone as path, without a test file"
            )
    if (data.shape, data.features.shape[1]) != (test.shape, test.features.shape[1]):
        ours, theirs = (" × ".join(map(str, d.shape or d.features.shape[1:])) for d in (data, test))
        raise RequestError(
            f"dataset.test: an example has {theirs} values in {test.source}, but {ours} in "
            f"{data.source}; both files need the same features"
        )
    places = {name: place for place, name in enumerate(data.classes)}
    unknown = [name for name in test.classes if name not in places]
    if unknown:
        raise RequestError(
            f"dataset.test: {test.source} has the class {unknown[0]!r}, which {data.source} lacks "
            f"({len(unknown)} such, of {len(test.classes)}); write the classes alike in both, or "
            "leave these rows out"
        )
    relabelled = np.array([places[name] for name in test.classes])
    note = f"the test split of every seed is {test.source}, {len(test.labels):,} rows"
    return replace(
        data,
        features=np.concatenate([data.features, test.features]),
        labels=np.concatenate([data.labels, relabelled[test.labels]]),
        notes=(*data.notes, *(f"{test.source}: {text}" for text in test.notes), note),
        given_test=len(test.labels),
    )


def _loaded(dataset: DatasetConfig) -> Data:
    if dataset.name is not None:
        if dataset.name.startswith(OPENML):
            return _openml(dataset.name.removeprefix(OPENML))
        return _bundled(dataset.name)
    if dataset.path is not None:
        assert dataset.label is not None
        with local(dataset.path) as path:
            return table_file(path, dataset)
    assert dataset.images is not None and dataset.labels is not None
    with local(dataset.images) as images, local(dataset.labels) as labels:
        return pair(images, labels, dataset)


def _bundled(name: str) -> Data:
    if name not in BUNDLED:
        raise RequestError(_unknown(name))
    package = find_spec("sklearn")
    assert package is not None and package.origin is not None
    file = Path(package.origin).parent / "datasets" / "data" / BUNDLED[name]
    if not file.exists():
        raise RequestError(
            f"{name}: this version of scikit-learn does not bring {file.name}; "
            "install one that does, or use a file: { path = ..., label = ... }"
        )
    # First the names of the classes, in all files but the digits'; last in a row its class.
    pixels = name == "digits"
    table = np.loadtxt(file, delimiter=",", skiprows=0 if pixels else 1)
    labels = table[:, -1].astype(np.int64)
    if not pixels:
        with file.open(encoding="utf-8") as text:
            labels = np.array(text.readline().strip().split(",")[2:])[labels]
    return checked(table[:, :-1], labels, source=name, names=None, pixels=pixels)


def _unknown(name: str) -> str:
    """What to write in place of a name that no bundled set has."""
    known = ON_OPENML.get("".join(c for c in name.lower() if c.isalnum()))
    if known:
        return (
            f"unknown dataset {name!r}; did you mean '{OPENML}{known}', which is downloaded once? "
            "Files of your own are { images = ..., labels = ... } or { path = ..., label = ... }"
        )
    return (
        f"unknown dataset {name!r}; {nearest(name, BUNDLED)} "
        f"(also '{OPENML}NAME', {{ path = ..., label = ... }} and "
        "{ images = ..., labels = ... })"
    )


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
            f"{source}: the set names no target column, or scikit-learn cannot read it as a table "
            f"({error})"
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

"""Data sets, and their train / validation / test splits for every seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caviar.model.contract import Array
from caviar.model.steps.examples import Examples
from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Splits
from caviar.runner.config import DatasetConfig, TrialConfig
from caviar.runner.errors import RequestError


@dataclass(frozen=True)
class Data:
    """Features `(examples, features)`, labels `(examples,)` as indices into `classes`.

    `pixels` says that all features share one unit.
    """

    features: Array
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    pixels: bool

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of the SHA-256 of features and labels."""
        digest = hashlib.sha256(f"{self.features.dtype} {self.features.shape}".encode())
        for array in (self.features, self.labels):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]


def checked(
    features: Array, labels: Array, *, source: str, names: list[str] | None, pixels: bool
) -> Data:
    """Data that can be trained on, or a RequestError that names what cannot.

    `features` has a row an example, `labels` a class.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1] or not features.size:
        raise RequestError(
            f"{source}: expected a table of features with a label a row; got features of shape "
            f"{features.shape} and labels of shape {labels.shape}"
        )
    classes, index = np.unique(labels, return_inverse=True)
    return coded(features, classes, index, source=source, names=names, pixels=pixels)


def coded(
    features: Array,
    classes: Array,
    index: Array,
    *,
    source: str,
    names: list[str] | None,
    pixels: bool,
) -> Data:
    """The same where the labels are already places `index` in the sorted `classes`."""
    if np.issubdtype(features.dtype, np.floating):
        bad = np.flatnonzero(~np.isfinite(features).all(axis=0))
        if bad.size:
            named = ", ".join(names[i] if names else f"column {i}" for i in bad[:5])
            row = int(np.flatnonzero(~np.isfinite(features[:, bad[0]]))[0])
            raise RequestError(
                f"{source}: missing or infinite values in {named} (first in row {row + 1}); "
                "remove those rows or fill them in"
            )
    if np.issubdtype(classes.dtype, np.inexact) and not np.isfinite(classes).all():
        raise RequestError(f"{source}: the labels have missing or infinite values")
    if len(classes) < 2:
        raise RequestError(
            f"{source}: every example has the label {classes[0]!s}; two classes are needed"
        )
    if len(classes) > max(2, len(index) // 2):
        raise RequestError(
            f"{source}: {len(classes)} different labels in {len(index)} examples; "
            "the label must be a class, not a number to predict"
        )
    return Data(features, index.astype(np.int64), tuple(str(c) for c in classes), pixels)


def split_sizes(dataset: DatasetConfig, examples: int) -> tuple[int, int, int]:
    """Examples in train, validation and test; raises RequestError where they do not fit."""

    def count(size: int | float) -> int:
        return size if isinstance(size, int) else round(size * examples)

    train, validation = count(dataset.train), count(dataset.validation)
    left = examples - train - validation
    test = left if dataset.test is None else count(dataset.test)
    if min(train, validation, test) < 1 or test > left:
        raise RequestError(
            f"dataset: {train} train, {validation} validation and {max(test, 0)} test examples "
            f"do not fit into {examples}; each split needs at least one"
        )
    return train, validation, test


def make_splits(data: Data, config: TrialConfig) -> Splits:
    """Every seed's own random split, standardised with its own training moments.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> splits = caviar.make_splits(plan.data, plan.trials[0])
    >>> len(splits.train), len(splits.validation), len(splits.test)
    (96, 40, 42)
    """
    train, validation, test = split_sizes(config.dataset, len(data.labels))
    order = np.stack([g.permutation(len(data.labels)) for g in streams(config.seeds, "split")])
    moments = [_training_moments(data.features[rows[:train]]) for rows in order]
    centre = np.stack([mean for mean, _ in moments])[:, None].astype(config.dtype)
    scaling = config.dataset.scaling or ("together" if data.pixels else "each")
    scale = np.stack([SCALINGS[scaling](v) for _, v in moments])[:, None].astype(config.dtype)

    def view(start: int, count: int) -> Examples:
        index = order[:, start : start + count]
        return Examples(data.features, data.labels, index, centre, scale, np.dtype(config.dtype))

    return Splits(view(0, train), view(train, validation), view(train + validation, test))


def _training_moments(features: Array) -> tuple[Array, Array]:
    return features.mean(axis=0, dtype=np.float64), features.var(axis=0, dtype=np.float64)


def _each(variance: Array) -> Array:
    """A feature that is constant on the training split tells nothing: it becomes 0."""
    alive = variance > 0
    return np.where(alive, 1 / np.sqrt(np.where(alive, variance, 1)), 0.0)


def _together(variance: Array) -> Array:
    mean = variance.mean()
    return np.full(variance.shape, 1 / np.sqrt(mean) if mean > 0 else 0.0)


SCALINGS = {"each": _each, "together": _together}

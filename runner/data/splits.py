"""Data sets, and their train / validation / test splits for every seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from caviar.model.contract import Array
from caviar.model.steps.examples import Examples
from caviar.model.steps.label_noise import replaced, with_noise
from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Splits
from caviar.runner.config import TrialConfig
from caviar.runner.data.identity import fingerprint, former_fingerprint
from caviar.runner.data.labels import classes_of_array, lookalikes
from caviar.runner.data.scaling import SCALINGS, origins, training_moments
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

SMALL = 20
"""A class of fewer examples is shared out over the splits, unless the study says otherwise."""


@dataclass(frozen=True)
class Data:
    """Features `(examples, features)`, labels `(examples,)` as indices into `classes`.

    `pixels` says that all features share one unit, so that they are scaled together where the
    study does not say otherwise. `shape` is that of an example before it became one row,
    `names` are those of the features, and `notes` what a reader of the results should know.
    `scaling_given` says that the study names the scaling, which is then part of a trial's identity
    without the fingerprint. `label_noise` is the share of training labels that the study has
    replaced. The last `given_test` examples are the test split of every seed.
    """

    features: Array
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    pixels: bool
    source: str = "dataset"
    shape: tuple[int, ...] = ()
    names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    scaling_given: bool = False
    label_noise: float = 0.0
    given_test: int = 0

    @cached_property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of the SHA-256 of everything that a training takes from it."""
        more: dict[str, object] = {}
        # Bytes are images, whose fingerprint never had their shape.
        images = len(self.shape) > 1 and self.features.dtype == np.uint8
        if len(self.shape) > 1 and not images:
            more["shape"] = list(self.shape)
        if self.given_test:
            more["given_test"] = self.given_test
        if self.smallest_class < SMALL:  # Once its splits were drawn regardless of classes.
            more["stratified"] = True
        if self.label_noise:
            more["label_noise"] = self.label_noise
        pixels = None if self.scaling_given else self.pixels
        return fingerprint(self.features, self.labels, self.classes, images, pixels, more)

    @cached_property
    def former_fingerprint(self) -> str:
        """That of runs made when it was the hash of features and labels alone."""
        return former_fingerprint(self.features, self.labels)

    @cached_property
    def origin(self) -> Array | None:
        """What is taken off each feature before it is rounded to float32; None for nothing."""
        return origins(self.features)

    @property
    def smallest_class(self) -> int:
        """Examples of the rarest class."""
        return int(np.bincount(self.labels, minlength=len(self.classes)).min())

    def column(self, i: int) -> str:
        """The name of a feature."""
        return self.names[i] if self.names else f"column {i}"


def checked(
    features: Array,
    labels: Array,
    *,
    source: str,
    names: list[str] | None,
    pixels: bool,
    label: str = "labels",
    shape: tuple[int, ...] = (),
    given_test: int = 0,
) -> Data:
    """Data that can be trained on, or a RequestError that names the reason why not.

    `features` and `labels` have one row per example.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1] or not features.size:
        raise RequestError(
            f"{source}: expected a table of features with one label per row; got features of shape "
            f"{features.shape} and labels of shape {labels.shape}"
        )
    classes, index = classes_of_array(labels, source, label)
    data = coded(features, classes, index, source=source, names=names, pixels=pixels)
    return replace(data, shape=shape, given_test=given_test)


def coded(
    features: Array,
    classes: tuple[str, ...],
    index: NDArray[np.int64],
    *,
    source: str,
    names: list[str] | None,
    pixels: bool,
    notes: Sequence[str] = (),
) -> Data:
    """The same where the labels are already places `index` in the ordered `classes`."""
    data = Data(
        _in_rows(features), index, classes, pixels, source, (), tuple(names) if names else None
    )
    _check_finite(data)
    return replace(data, notes=(*notes, *lookalikes(classes)))


def _in_rows(features: Array) -> Array:
    """The features in C order and the machine's byte order, on which the order of sums depends;
    truth values as numbers."""
    kind = features.dtype.newbyteorder("=") if features.dtype != bool else np.uint8
    return np.ascontiguousarray(features, kind)


def _check_finite(data: Data) -> None:
    if not np.issubdtype(data.features.dtype, np.floating):
        return
    bad = np.flatnonzero(~np.isfinite(data.features).all(axis=0))
    if bad.size:
        named = ", ".join(data.column(i) for i in bad[:5])
        row = int(np.flatnonzero(~np.isfinite(data.features[:, bad[0]]))[0])
        raise RequestError(
            f"{data.source}: missing or infinite values in {named} (first in row {row + 1}); "
            "remove those rows or fill them in, or have them dropped: missing = []"
        )


def merged(name: str, source: str) -> RequestError:
    """Whole numbers that float64 does not tell apart."""
    return RequestError(
        f"{source}: {name!r} holds whole numbers above 2^53 that float64 does not tell apart; "
        f'take a constant off them, or leave the column out with exclude = ["{name}"]'
    )


def split_sizes(dataset: DatasetConfig, examples: int, given_test: int = 0) -> tuple[int, int, int]:
    """Examples in train, validation and test; raises RequestError where they do not fit.

    Where the last `given_test` are the test split, `train` and `validation` divide the others in
    their proportion if both are fractions.
    """
    others = examples - given_test

    def count(size: int | float) -> int:
        return size if isinstance(size, int) else round(size * others)

    train, validation = count(dataset.train), count(dataset.validation)
    if given_test and isinstance(dataset.train, float) and isinstance(dataset.validation, float):
        train = round(others * dataset.train / (dataset.train + dataset.validation))
        validation = others - train
    left = others - train - validation
    test = left if dataset.test_size is None else count(dataset.test_size)
    if given_test:
        test, left = given_test, left + given_test
    if min(train, validation, test) < 1 or test > left:
        raise RequestError(
            f"dataset: {train} train, {validation} validation and {max(test, 0)} test examples "
            f"do not fit into {examples}; each split needs at least one"
        )
    return train, validation, test


def is_stratified(data: Data, dataset: DatasetConfig) -> bool:
    """Whether each split has its share of every class: if asked for, or a class is small."""
    return dataset.stratified if dataset.stratified is not None else data.smallest_class < SMALL


def check_pools(data: Data, dataset: DatasetConfig, seeds: int) -> None:
    """Raise RequestError where `split = "disjoint"` cannot give each seed its own examples."""
    if dataset.split == "random":
        return
    if data.given_test:
        raise RequestError(
            f"dataset: the last {data.given_test:,} examples are the test split of every seed, so "
            'split = "disjoint" cannot give each seed its own; leave split out'
        )
    examples = len(data.labels)
    each = examples // seeds
    train, validation = round(0.6 * each), round(0.2 * each)
    fits = (
        f"train = {train}, validation = {validation}, test = {each - train - validation} would fit"
    )
    if dataset.test is None:
        raise RequestError(
            'dataset: split = "disjoint" needs a size for test, which is otherwise all that train '
            f"and validation leave; for {seeds} seeds {fits}"
        )
    sizes = split_sizes(dataset, examples)
    if seeds * sum(sizes) > examples:
        most = examples // sum(sizes)
        raise RequestError(
            f'dataset: split = "disjoint" gives each of {seeds} seeds its own '
            f"{' + '.join(f'{size:,}' for size in sizes)} examples, {seeds * sum(sizes):,} in all, "
            f"but there are {examples:,}; lower replicas to {most}, or the sizes: {fits}"
        )


def _pools(data: Data, config: TrialConfig, sizes: tuple[int, int, int]) -> list[NDArray[np.int64]]:
    """The examples that each seed divides: all that are drawn, or a pool of its own.

    The data are cut into as many pools as there is room for, the same for every study with these
    sizes; seed s has pool s modulo their number, so that it has the same one in any company.
    """
    drawn = len(data.labels) - data.given_test
    if config.dataset.split == "random":
        return [np.arange(drawn)] * len(config.seeds)
    pool, count = sum(sizes), drawn // sum(sizes)
    (generator,) = streams((0,), "pools")
    order = generator.permutation(drawn)
    if is_stratified(data, config.dataset):
        start = generator.random(len(data.classes))
        order = _by_class(order, data.labels, start, (*[pool] * count, drawn - count * pool))
    return [order[s % count * pool :][:pool] for s in config.seeds]


def _orders(data: Data, config: TrialConfig, sizes: tuple[int, int, int]) -> NDArray[np.int64]:
    """Every seed's order of its examples, `(seeds, examples)`: train first, test last."""
    given = np.arange(len(data.labels) - data.given_test, len(data.labels))
    pools = _pools(data, config, sizes)
    orders = []
    for pool, generator in zip(pools, streams(config.seeds, "split"), strict=True):
        order = pool[generator.permutation(len(pool))]
        if is_stratified(data, config.dataset):
            order = _by_class(order, data.labels, generator.random(len(data.classes)), sizes)
        orders.append(np.concatenate([order, given]))
    return np.stack(orders)


def _by_class(
    order: NDArray[np.int64], labels: NDArray[np.int64], start: Array, sizes: tuple[int, ...]
) -> NDArray[np.int64]:
    """The order with the examples of every class spread evenly over it, random within a split.

    `start` is a random number below 1 for each class, so that rare ones go to different splits.
    """
    of_class = labels[order]
    grouped, counts = np.argsort(of_class, kind="stable"), np.bincount(of_class)
    class_of = of_class[grouped]
    within = np.arange(len(order)) - (np.cumsum(counts) - counts)[class_of]
    place = np.empty(len(order))
    place[grouped] = (within + start[class_of]) / counts[class_of]
    spread = np.argsort(place, kind="stable")
    ends = np.cumsum(sizes)[:-1]
    return np.concatenate([order[np.sort(part)] for part in np.split(spread, ends)])


def make_splits(data: Data, config: TrialConfig) -> Splits:
    """Every seed's own random split, standardised with its own training moments.

    Training labels are those that the study's label noise leaves; all others are true.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> splits = caviar.make_splits(plan.data, plan.trials[0])
    >>> len(splits.train), len(splits.validation), len(splits.test)
    (96, 40, 42)
    """
    train, validation, test = split_sizes(config.dataset, len(data.labels), data.given_test)
    order = _orders(data, config, (train, validation, test))
    origin = np.zeros(data.features.shape[1]) if data.origin is None else data.origin
    features = data.features if data.origin is None else data.features - origin
    moments = [training_moments(features[rows[:train]], origin) for rows in order]
    centre = np.stack([m.mean for m in moments])[:, None].astype(config.dtype)
    scaling = SCALINGS[config.dataset.scaling or ("together" if data.pixels else "each")]
    scale = np.stack([scaling(m) for m in moments])[:, None].astype(config.dtype)

    def view(start: int, count: int) -> Examples:
        index = order[:, start : start + count]
        labels = data.labels[index]
        return Examples(features, labels, index, centre, scale, np.dtype(config.dtype))

    fitted, share = view(0, train), config.dataset.label_noise
    if share:
        noisy = with_noise(fitted.labels, share, len(data.classes), config.seeds)
        fitted = replace(fitted, labels=noisy, mislabelled=replaced(share, train))
    return Splits(fitted, view(train, validation), view(train + validation, test))

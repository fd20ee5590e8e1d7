"""What was read of the data, in sentences: for a run's first lines, a dry run and the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caviar.model.contract import Array
from caviar.model.steps.setup import Splits
from caviar.runner.config import TrialConfig
from caviar.runner.data.extent import check_extent
from caviar.runner.data.splits import Data, is_stratified, make_splits

FEW = 8
"""Names that are shown."""
MOST_COMPARED = 2**26
"""Values of a data set whose rows are compared with each other."""
MOST_SEEDS = 32


def what_was_read(data: Data, trial: TrialConfig) -> list[tuple[str, str]]:
    """Topic and sentence about rows, features, scaling, classes, splits and what stands out."""
    trial = trial.model_copy(update={"seeds": trial.seeds[:MOST_SEEDS]})
    splits = make_splits(data, trial)
    scaling = trial.dataset.scaling or ("together" if data.pixels else "each")
    how = {"each": "each by its own deviation", "together": "all by one deviation"}[scaling]
    farthest = check_extent(data, trial).max()
    return [
        ("rows", f"{len(data.labels):,}{_given(data)}{_own(trial)}{_repeated(data, splits)}"),
        ("features", _features(data)),
        ("scaling", f"{how}; scaled values reach {farthest:.3g}"),
        ("classes", _classes(data, splits, is_stratified(data, trial.dataset))),
        *_noise(trial, splits),
        *(("note", note) for note in data.notes),
    ]


def _given(data: Data) -> str:
    return f", the last {data.given_test:,} of them the given test set" if data.given_test else ""


def _noise(trial: TrialConfig, splits: Splits) -> list[tuple[str, str]]:
    share = trial.dataset.label_noise
    if not share:
        return []
    text = (
        f"{splits.train.mislabelled:,} of {len(splits.train):,} training labels of every seed are "
        f"replaced by another class (label_noise = {share:g}): train loss is against labels that "
        "are partly wrong; those of validation and test are true"
    )
    return [("labels", text)]


def _features(data: Data) -> str:
    count = data.features.shape[1]
    text = f"{count:,}"
    if len(data.shape) > 1:
        text += f" ({' × '.join(map(str, data.shape))})"
    if data.names:
        text += f": {_few(data.names)}"
    ends = data.features.min(axis=0) == data.features.max(axis=0)
    constant = [data.column(int(i)) for i in np.flatnonzero(ends)]
    return text + (f"; constant: {_few(constant)}" if constant else "")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _classes(data: Data, splits: Splits, stratified: bool) -> str:
    """Rows of each class in train, validation and test: the least and the most of any seed."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    counts = {
        name: np.stack(
            [np.bincount(data.labels[i], minlength=len(data.classes)) for i in part.index]
        )
        for name, part in parts.items()
    }
    shown = [
        f"{name} ({' / '.join(_range(count[:, c]) for count in counts.values())})"
        for c, name in enumerate(data.classes)
    ]
    text = f"{len(data.classes):,} with rows in train / validation / test: {_few(shown)}"
    text += "; splits are stratified" if stratified else ""
    for name, count in counts.items():
        lacking = (count == 0).any(axis=1)
        if lacking.any():
            missing = [data.classes[c] for c in np.flatnonzero((count == 0).any(axis=0))]
            seeds = f"{int(lacking.sum())} of {len(count)} seeds"
            text += f"; {name} lacks a class in {seeds}: {_few(missing)}"
    return text


def _counts(data: Data, index: Array) -> Array:
    """Rows of each class in a split, `(seeds, classes)`."""
    return np.stack([np.bincount(data.labels[i], minlength=len(data.classes)) for i in index])


def _range(counts: Array) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _own(trial: TrialConfig) -> str:
    disjoint = trial.dataset.split == "disjoint"
    return "; no two seeds share an example" if disjoint else ""


def _repeated(data: Data, splits: Splits) -> str:
    """How many test rows have the same features as a training row, at the most of any seed."""
    if data.features.size > MOST_COMPARED:
        return ""
    rows = np.ascontiguousarray(data.features)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    _, same = np.unique(whole, return_inverse=True)
    both = max(
        int(np.isin(same[test], same[train]).sum())
        for train, test in zip(splits.train.index, splits.test.index, strict=True)
    )
    return f"; {both:,} test rows have the features of a training row" if both else ""

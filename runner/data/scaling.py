"""How features are centred and scaled with the moments of a training split."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.model.contract import Array
from caviar.runner.errors import RequestError

MOST_ROUNDED = 256
"""Units in the last place that sums of features are out by, as scikit-learn allows for (its pull
request 19788); it takes the number of rows, which would hide the spread of long tables."""

FAR = 256
"""So many times its range away from 0, a feature is moved there before it is rounded."""

FARTHEST = 1e4
"""A standardised value beyond this is not an observation that a network could learn from."""


class Moments(NamedTuple):
    """Mean and variance of each feature in float64, and which features tell nothing."""

    mean: Array
    variance: Array
    constant: NDArray[np.bool_]


def origins(features: Array) -> Array | None:
    """A value of each feature that is taken off in float64 before the features become float32.

    It is 0 unless the values lie so far from 0, as time stamps and coordinates do, that float32
    makes one of two of them or that rounding the mean would be seen; then it is their middle one.
    None where it is 0 for all features.
    """
    if features.dtype.kind in "biu" and features.dtype.itemsize <= 2:
        return None
    origin = np.zeros(features.shape[1])
    for i, column in enumerate(features.T):
        values = np.unique(column).astype(np.float64)
        middle = values[len(values) // 2]
        with np.errstate(over="ignore", invalid="ignore"):
            merged = (np.diff(values.astype(np.float32)) == 0).any()
            if merged or abs(middle) > FAR * (values[-1] - values[0]) > 0:
                origin[i] = middle
    return origin if origin.any() else None


def training_moments(features: Array, origin: Array) -> Moments:
    """The moments of `features`, from which `origin` was taken off.

    A feature is constant where all values are one, or where rounding explains its deviation;
    whole numbers are not rounded.
    """
    if features.dtype.itemsize > 2:  # Sums of other types go in blocks, to other last digits.
        features = features.astype(np.float64, copy=False)
    mean = features.mean(axis=0, dtype=np.float64)
    variance = features.var(axis=0, dtype=np.float64)
    constant = features.min(axis=0) == features.max(axis=0)
    rounding = min(len(features), MOST_ROUNDED) * np.finfo(np.float64).eps
    for i in np.flatnonzero(~constant & (variance <= (rounding * (mean + origin)) ** 2)):
        constant[i] = not (features[:, i] == np.floor(features[:, i])).all()
    return Moments(mean, variance, constant)


def each(moments: Moments) -> Array:
    """A feature that is constant on the training split tells nothing: it becomes 0."""
    alive = ~moments.constant & (moments.variance > 0)
    return np.where(alive, 1 / np.sqrt(np.where(alive, moments.variance, 1)), 0.0)


def together(moments: Moments) -> Array:
    """One deviation for all features, which share a unit."""
    mean = moments.variance.mean()
    alive = mean > 0 and not moments.constant.all()
    return np.full(moments.variance.shape, 1 / np.sqrt(mean) if alive else 0.0)


SCALINGS = {"each": each, "together": together}


def check_resolved(lowest: Array, highest: Array, names: list[str], source: str, kind: str) -> None:
    """Raise RequestError for a feature that `kind`, the dtype of a trial, cannot hold.

    `lowest` and `highest` are the ends of each feature, its origin taken off.
    """
    limits = np.finfo(kind)
    # The variance is computed in float64, and one over the deviation has to be a normal number.
    most = min(1 / float(limits.tiny), 1e150)
    least = max(float(limits.tiny) / float(limits.eps), 1e-150)
    lowest, highest = (np.asarray(ends, np.float64) for ends in (lowest, highest))
    size = np.maximum(np.abs(lowest), np.abs(highest))
    way_out = "rescale it, or leave it out with exclude = "
    if kind == "float32":
        way_out = 'rescale it, set dtype = "float64", or leave it out with exclude = '
    for i in np.flatnonzero(size > most):
        raise RequestError(
            f"{source}: values of {names[i]!r} reach {size[i]:.3g}, above the {most:.3g} up to "
            f'which {kind} is exact enough; {way_out}["{names[i]}"]'
        )
    spread = highest - lowest
    for i in np.flatnonzero((spread > 0) & (spread < least)):
        raise RequestError(
            f"{source}: values of {names[i]!r} differ by at most {spread[i]:.3g}, below the "
            f'{least:.3g} from which {kind} resolves them; {way_out}["{names[i]}"]'
        )


def check_standardised(
    farthest: Array, seeds: tuple[int, ...], names: list[str], source: str
) -> None:
    """Raise RequestError where a standardised value, `(seeds, features)`, lies beyond 1e4."""
    seed, i = np.unravel_index(np.argmax(farthest), farthest.shape)
    if farthest[seed, i] > FARTHEST:
        raise RequestError(
            f"{source}: a value of {names[i]!r} lies {farthest[seed, i]:.3g} deviations from the "
            f"mean of the training split of seed {seeds[seed]}, above the {FARTHEST:g} allowed; "
            f'mend that value, or leave the feature out with exclude = ["{names[i]}"]'
        )

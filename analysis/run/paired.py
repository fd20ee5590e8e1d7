"""The values of a facet side by side, by level, seed and draw, so that pairs can be subtracted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.draws import PAIRED_BY

Array = NDArray[Any]


class Paired(NamedTuple):
    """`values`, `(levels, seeds, draws)`: NaN where there is no row, or its value is not finite.

    `held`, of the same shape, says where there is a row. A reading that pairs by seed alone has
    one draw.
    """

    levels: Array
    seeds: Array
    values: Array
    held: Array

    def less(self, level: float) -> Paired:
        """Every value less that of the same seed and draw at `level`, which must be one of them.

        `held` says where either side has a row.
        """
        (i,) = np.flatnonzero(self.levels == level)
        return self._replace(values=self.values - self.values[i], held=self.held | self.held[i])

    @property
    def by_seed(self) -> Array:
        """Means over the draws that are finite, `(levels, seeds)`; NaN where there is none."""
        return mean_of_finite(self.values)


def paired(rows: pd.DataFrame, value: str, reading: str) -> Paired:
    """`value` of the rows of one facet, each of which has a level, seed and draw of its own."""
    keys = [rows[key].to_numpy() for key in ("level", *PAIRED_BY[reading])]
    places = [np.unique(key, return_inverse=True) for key in keys]
    levels, seeds = places[0][0], places[1][0]
    shape = [len(known) for known, _ in places]
    place = tuple(code for _, code in places)
    held, values = np.zeros(shape, bool), np.full(shape, np.nan)
    measured = rows[value].to_numpy(float)
    held[place] = True
    values[place] = np.where(np.isfinite(measured), measured, np.nan)
    whole = (*shape, 1)[:3]
    return Paired(levels, seeds, values.reshape(whole), held.reshape(whole))


def facets(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of every facet, in the order of their names."""
    names = sorted(rows["facet"].unique())
    if len(names) == 1:  # Almost every run, and cheaper than to take all rows.
        yield names[0], rows
        return
    for name in names:
        yield name, rows[rows["facet"] == name]


def mean_of_finite(values: Array) -> Array:
    """Means along the last axis of what is not NaN; NaN where all is."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    sums = np.where(known, values, 0.0).sum(axis=-1)
    means = np.full(count.shape, np.nan)
    np.divide(sums, count, out=means, where=count > 0)
    return means

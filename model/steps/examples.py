"""The examples of one split, a view into the shared data for each replica."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array


@dataclass(frozen=True)
class Examples:
    """Rows `index` of shared data, standardised with each replica's own training moments.

    `features` is `(examples, features)` of any numeric dtype; `index` and the integers `labels` are
    `(replicas, rows)`, since a replica's label may have been replaced: `mislabelled` counts those
    of each replica. `centre` and `scale` are `(replicas, 1, features)`. Replicas and splits share
    one copy of the features.
    """

    features: Array
    labels: Array
    index: Array
    centre: Array
    scale: Array
    dtype: DTypeLike
    mislabelled: int = 0

    def __len__(self) -> int:
        return int(self.index.shape[1])

    @property
    def replicas(self) -> int:
        return int(self.index.shape[0])

    def replica(self, r: int) -> Examples:
        """The view of replica `r` alone, a stack of one."""
        return self.of_replicas(slice(r, r + 1))

    def of_replicas(self, kept: slice | Array) -> Examples:
        """The view of some replicas, as a smaller stack."""
        names = ("labels", "index", "centre", "scale")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def labels_of(self, rows: Array) -> Array:
        """Labels of `rows`, `(replicas, batch)`."""
        return np.asarray(np.take_along_axis(self.labels, rows, axis=1))

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Features `(replicas, batch, features)` and labels of `rows`, `(replicas, batch)`."""
        data_rows = np.take_along_axis(self.index, rows, axis=1)
        x = self.features[data_rows].astype(self.dtype)
        x -= self.centre
        x *= self.scale
        return x, self.labels_of(rows)

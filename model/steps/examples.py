"""The examples of one split, a view into the shared data for each replica."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array


@dataclass(frozen=True)
class Examples:
    """Rows `index` of shared data, standardised with each replica's own training moments.

    `features` is `(examples, features)` of any numeric dtype, `labels` `(examples,)` integers,
    `index` `(replicas, rows)`; `centre` and `scale` are `(replicas, 1, features)`. Only the
    index differs between splits, so that replicas and splits share one copy of the data.
    """

    features: Array
    labels: Array
    index: Array
    centre: Array
    scale: Array
    dtype: DTypeLike

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
        return replace(
            self, index=self.index[kept], centre=self.centre[kept], scale=self.scale[kept]
        )

    def labels_of(self, rows: Array) -> Array:
        """Labels of `rows`, `(replicas, batch)`."""
        return np.asarray(self.labels[np.take_along_axis(self.index, rows, axis=1)])

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Features `(replicas, batch, features)` and labels of `rows`, `(replicas, batch)`."""
        data_rows = np.take_along_axis(self.index, rows, axis=1)
        x = self.features[data_rows].astype(self.dtype)
        x -= self.centre
        x *= self.scale
        return x, self.labels[data_rows]

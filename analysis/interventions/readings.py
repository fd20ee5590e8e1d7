"""The readings of all trainings of a panda, by training and update, as arrays over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]

QUANTITIES = ("loss", "accuracy")


class Place(NamedTuple):
    """What was read: of which trial, after how many updates, which examples, how normalised."""

    trial_id: str
    step: int
    split: str
    statistics: str


class Readings(NamedTuple):
    """`values`, `(places, seeds, quantities)`: NaN where a seed was not read, or not finite.

    `rows` says where a place stands in them; `steps` are the updates at which a trial was read.
    """

    rows: Mapping[Place, int]
    steps: Mapping[str, frozenset[int]]
    seeds: Array
    values: Array

    def at(self, place: Place, quantity: str) -> Array | None:
        """One quantity at a place, `(seeds,)`; None where nothing was read there."""
        row = self.rows.get(place)
        return None if row is None else self.values[row, :, QUANTITIES.index(quantity)]


def readings_of(rows: pd.DataFrame) -> Readings:
    """The stored `rows`, each of which has a place and a seed of its own."""
    if rows.empty:  # It may have no columns either.
        return Readings({}, {}, np.zeros(0, int), np.zeros((0, 0, len(QUANTITIES))))
    keys = list(Place._fields)
    places = rows[keys].drop_duplicates()
    of_place = rows.groupby(keys, sort=False).ngroup().to_numpy()
    seeds, of_seed = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    values = np.full((len(places), len(seeds), len(QUANTITIES)), np.nan)
    measured = rows[list(QUANTITIES)].to_numpy(float)
    values[of_place, of_seed] = np.where(np.isfinite(measured), measured, np.nan)
    named = [Place(str(t), int(n), str(s), str(k)) for t, n, s, k in places.to_numpy(object)]
    steps: dict[str, set[int]] = {}
    for place in named:
        steps.setdefault(place.trial_id, set()).add(place.step)
    index = {place: row for row, place in enumerate(named)}
    return Readings(index, {t: frozenset(known) for t, known in steps.items()}, seeds, values)

"""Whether every trial of a study can hold the features of its data as numbers."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.runner.config import TrialConfig
from caviar.runner.data.scaling import check_resolved, check_standardised
from caviar.runner.data.splits import Data, make_splits

MOST_LOOKED_AT = 2**30
"""Values of all seeds together whose standardised range is computed before a run."""


def check_extent(data: Data, config: TrialConfig) -> Array:
    """The largest standardised value of each feature in each seed, `(seeds, features)`.

    Raises RequestError, by the feature's name, where the trial's dtype cannot hold a feature or
    where a value lies beyond 1e4 deviations. Of large data only the first seeds are looked at.
    """
    origin = 0.0 if data.origin is None else data.origin
    lowest = data.features.min(axis=0) - origin
    highest = data.features.max(axis=0) - origin
    names = [data.column(i) for i in range(len(highest))]
    check_resolved(lowest, highest, names, data.source, config.dtype)
    seeds = config.seeds[: max(1, MOST_LOOKED_AT // data.features.size)]
    train = make_splits(data, config.model_copy(update={"seeds": seeds})).train
    away = np.maximum(np.abs(lowest - train.centre), np.abs(highest - train.centre))
    farthest = (away * train.scale)[:, 0]
    check_standardised(farthest, seeds, names, data.source)
    return np.asarray(farthest)

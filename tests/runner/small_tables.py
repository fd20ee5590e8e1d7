"""A small table in any form of file, for the tests of what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.fields.dataset import DatasetConfig

ROWS = 60
LABELS = [("ant", "bee", "cow")[i % 3] for i in range(ROWS)]
TABLE = pd.DataFrame(
    {
        "a": np.round(np.random.default_rng(0).normal(size=ROWS), 3),
        "b": np.arange(ROWS) % 7 + 0.25,
        "y": LABELS,
    }
)


def load(path: Path, **dataset: Any) -> Data:
    return load_data(DatasetConfig(**{"path": str(path), "label": "y", **dataset}))


def is_the_table(data: Data) -> None:
    np.testing.assert_array_equal(data.features, TABLE[["a", "b"]])
    assert [data.classes[i] for i in data.labels] == LABELS

"""Groups of rows are those that pandas makes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.groups import numbered

NAMES = ["b", "a", "b", None, "a", "b"]
DECAYS = [0.9, np.nan, 0.9, 0.5, np.nan, 0.1]
ROWS = pd.DataFrame({"name": NAMES, "decay": DECAYS, "seed": [3, 1, 3, 2, 1, 0]})


@pytest.mark.parametrize("keys", [["seed"], ["name", "decay"], ["decay", "seed", "name"]])
@pytest.mark.parametrize("count", [0, 1, 6])
def test_groups_have_the_order_and_the_types_of_pandas(keys: list[str], count: int) -> None:
    rows = ROWS.iloc[:count]
    expected = rows.groupby(keys, dropna=False)
    of_row, groups = numbered(rows, keys)
    np.testing.assert_array_equal(of_row, expected.ngroup())
    pd.testing.assert_frame_equal(groups, expected.size().index.to_frame(index=False))

"""The drawn fields of a search, and where on their range values lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.tables.configurations.drawn import drawn_fields, is_search, positions
from tests.analysis.synthetic import compared, crossed, run_of
from tests.analysis.tables.configurations.searches import search


def test_a_search_draws_several_fields_and_crosses_none(tmp_path: Path) -> None:
    drawn = search(tmp_path, 8)
    assert drawn_fields(drawn) == ["learning_rate", "momentum", "norm_batch_size"]
    assert is_search(compared(drawn))
    levels = {"norm_batch_size": [8, 64]}
    designed = run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), scientific=levels)
    assert not is_search(compared(designed))


@pytest.mark.parametrize(
    ("field", "values", "places"),
    [
        ("learning_rate", [0.001, 0.01, 0.1], [0, 0.5, 1]),
        ("momentum", [0.9, 0.99, 0.999], [0, 0.5, 1]),
        ("norm_batch_size", [4, 8, 16], [0, 0.5, 1]),
        ("norm", ["batch", "layer"], [0, 1]),
        ("learning_rate", [0.1, 0.1], [0.5, 0.5]),
    ],
)
def test_places_are_on_the_scale_that_was_drawn_on(
    tmp_path: Path, field: str, values: list[float], places: list[float]
) -> None:
    run = search(tmp_path, 2)
    run.study["study"]["nuisance"]["norm"] = ["batch", "layer"]
    assert np.allclose(positions(run, field, pd.Series(values)), places)

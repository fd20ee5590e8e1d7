"""Running averages by name."""

from __future__ import annotations

import math
from typing import Any

from caviar.analysis.figures.tracker_series import trackers
from tests.analysis.plotted import FACETS, table

AVERAGES: dict[str, Any] = {"rule": ["unbiased"], "tracker_decay": [0.5, math.nan]}


def test_an_average_is_named_by_rule_and_decay() -> None:
    assert [name for name, _ in trackers(table(**AVERAGES))] == ["unbiased 0.5", "unbiased"]


def test_facets_are_named_where_there_are_several() -> None:
    named = trackers(table(facets=FACETS, **AVERAGES))
    assert [name for name, _ in named] == [
        f"{average}, {facet}" for facet in FACETS for average in ("unbiased 0.5", "unbiased")
    ]
    assert all(len(rows) == 3 for _, rows in named)

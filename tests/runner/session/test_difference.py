"""Differences of nested values, in words."""

from __future__ import annotations

from caviar.runner.session.difference import difference


def test_difference_walks_into_tables() -> None:
    recorded = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert difference(recorded, recorded) == []
    assert difference(recorded, {"a": {"b": 1, "c": 3}, "d": [2]}) == [
        "a.c is 2 there and 3 here",
        "d is [1] there and [2] here",
    ]

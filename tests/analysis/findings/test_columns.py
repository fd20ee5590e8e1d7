"""Columns that many tables have."""

from __future__ import annotations

from caviar.analysis.findings.columns import edges, ends, interval


def test_an_interval_is_its_mean_both_ends_and_units() -> None:
    columns = interval("nats", "The loss.")
    assert [column.name for column in columns] == ["mean", "low", "high", "units"]
    assert [column.unit for column in columns] == ["nats", "nats", "nats", "count"]
    assert columns[0].says == "The loss." and columns[1:3] == ends("nats")


def test_edges_name_what_was_tried() -> None:
    assert [column.says for column in edges("decay")] == [
        "Whether the range reaches the smallest decay tried.",
        "Whether the range reaches the largest decay tried.",
    ]

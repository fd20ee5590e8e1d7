"""Which part files of a table count."""

from __future__ import annotations

from caviar.analysis.run.stored.part_names import current, replacing

PLAIN = ["part-000000.parquet", "part-000001.parquet", "part-000002.parquet"]
MERGED = "part-000000to000001.parquet"


def test_a_merged_part_counts_for_those_that_it_was_made_of() -> None:
    assert replacing([*PLAIN, MERGED]) == {MERGED: (0, 1)}
    assert current(sorted([*PLAIN, MERGED])) == [MERGED, PLAIN[2]]
    assert current([*PLAIN, "part-x.parquet"]) == [*PLAIN, "part-x.parquet"]


def test_of_two_that_merged_the_same_parts_the_first_counts() -> None:
    twice = ["part-000000to000002-aa.parquet", "part-000000to000002-bb.parquet"]
    assert current([*PLAIN, *twice]) == twice[:1]
    wider = "part-000000to000003.parquet"
    assert current([*twice, wider]) == [wider]

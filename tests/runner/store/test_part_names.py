"""Names of part files: their numbers, and which of them count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar.analysis.run.stored.part_names as as_analysis_reads
from caviar.runner.store.part_names import current, name_for, numbered, replacing, span

PLAIN = ["part-000000.parquet", "part-000001.parquet", "part-000002.parquet"]
MERGED = "part-000000to000001.parquet"


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ([], 0),
        (["part-000000.parquet"], 1),
        (["part-000007.parquet", "part-000009-1f3a.parquet", "part-000008.parquet"], 10),
        (["part-000000to000041.parquet", "part-000003-99.parquet"], 42),
        (["other", "part-.parquet", "part-x1.parquet", "part-0001to.parquet"], 0),
    ],
)
def test_the_next_number_is_above_all(names: list[str], number: int) -> None:
    assert numbered(names) == number


def test_a_merged_part_stands_for_its_numbers_and_sorts_in_their_place() -> None:
    assert name_for(PLAIN[:2]) == MERGED and span(MERGED) == (0, 1)
    assert name_for([MERGED, PLAIN[2]], "1f3a") == "part-000000to000002-1f3a.parquet"
    assert sorted([PLAIN[2], MERGED]) == [MERGED, PLAIN[2]]


def test_what_a_merged_part_replaces_does_not_count() -> None:
    assert current(sorted([*PLAIN, MERGED])) == [MERGED, PLAIN[2]]
    wider = "part-000000to000002-aa.parquet"
    assert current(sorted([*PLAIN, MERGED, wider])) == [wider]
    twice = ["part-000000to000002-aa.parquet", "part-000000to000002-bb.parquet"]
    assert current(twice) == twice[:1]
    same_number = ["part-000009-aa.parquet", "part-000009-bb.parquet"]
    assert current(same_number) == same_number
    assert current([*same_number, name_for(same_number, "cc")]) == [name_for(same_number, "cc")]


numbers = st.integers(0, 5)
names = st.lists(
    st.one_of(
        st.builds("part-{:06d}.parquet".format, numbers),
        st.builds("part-{:06d}-{}.parquet".format, numbers, st.sampled_from(["aa", "bb"])),
        st.builds("part-{:06d}to{:06d}-{}.parquet".format, numbers, numbers, st.just("aa")),
        st.sampled_from(["part-x.parquet", "part-000001to000003.parquet"]),
    ),
    unique=True,
    max_size=8,
)


@given(names=names)
def test_the_analysis_reads_the_same_parts(names: list[str]) -> None:
    names.sort()
    assert as_analysis_reads.current(names) == current(names)
    assert list(as_analysis_reads.replacing(names)) == replacing(names)

"""Values as TOML come back as they went."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.runner.study.toml_text import toml_lines, toml_value

PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(VALUES)
def test_a_value_comes_back(value: Any) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"path": "a.csv", "train": 0.5}, '{ path = "a.csv", train = 0.5 }'),
        ((1, 2), "[1, 2]"),
        ({}, "{}"),
        ({"batch norm": True}, '{ "batch norm" = true }'),
    ],
)
def test_it_reads_as_a_study_does(value: Any, text: str) -> None:
    assert toml_value(value) == text


def test_what_is_not_given_has_no_line() -> None:
    assert toml_lines({"a": 1, "b": None, "c d": "x"}) == ["a = 1", '"c d" = "x"']

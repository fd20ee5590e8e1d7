"""Fields say what they are; a table of fields is strict."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from caviar.runner.fields.frozen import Frozen, listed, setting


class Table(Frozen):
    size: Annotated[int, Field(ge=2)] = setting("How many.", 4, unit="rows", example=8, also=["n"])
    names: listed(str) = setting("Words.", example=["a"])  # type: ignore[valid-type]


def test_a_setting_keeps_bounds_default_and_all_that_is_said() -> None:
    size = Table.model_json_schema()["properties"]["size"]
    assert (size["default"], size["minimum"], size["examples"]) == (4, 2, [8])
    assert (size["description"], size["unit"], size["also"]) == ("How many.", "rows", ["n"])
    assert Table.model_json_schema()["required"] == ["names"]


@pytest.mark.parametrize("table", [{}, {"names": [], "n": 1}, {"names": [], "size": 2.0}])
def test_a_missing_an_unknown_and_a_mistyped_field_are_refused(table: dict[str, object]) -> None:
    assert Table(names=["a"]).names == ("a",)
    with pytest.raises(ValidationError):
        Table(**table)  # type: ignore[arg-type]

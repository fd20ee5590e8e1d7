"""A data set names one source, whole."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from caviar.runner.fields.dataset import DatasetConfig


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "give exactly one of name, path (with label) or images (with labels); given: none"),
        ({"name": "wine", "path": "a", "label": "b"}, "given: name, path"),
        ({"path": "a"}, "path and label go together"),
        ({"images": "a"}, "images and labels go together"),
        ({"name": "wine", "test": {"path": "a"}}, "a test file is given as the main one is"),
        ({"path": "a", "label": "b", "test": {"file": "c"}}, "unknown key 'file'"),
        ({"path": "a", "label": "b", "test": {"path": 3}}, "path must be a path"),
    ],
)
def test_a_source_that_is_not_one_is_refused(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DatasetConfig(**table)
    assert says in str(caught.value)


def test_a_test_file_has_no_size() -> None:
    held_out = DatasetConfig.model_validate(
        {"path": "a/b.csv", "label": "y", "test": {"path": "c"}}
    )
    assert (held_out.test_size, held_out.title) == (None, "b.csv")
    assert DatasetConfig(name="wine", test=0.25).test_size == 0.25

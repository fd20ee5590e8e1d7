"""A JSON Schema in words."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.runner.reference.allowed import allowed

WHOLE = {"type": "integer", "minimum": 2, "maximum": 1000}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (WHOLE, "a whole number from 2 to 1,000"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        ({"type": "number", "minimum": 0}, "a number of 0 or more"),
        (
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            "a number of 0 or more and below 1",
        ),
        ({"enum": ["a", "b", "c"], "type": "string"}, '"a", "b" or "c"'),
        ({"const": "train"}, '"train"'),
        ({"type": "array", "items": WHOLE}, "a list, each item a whole number from 2 to 1,000"),
        (
            {"anyOf": [WHOLE, {"const": "train"}, {"type": "null"}]},
            'a whole number from 2 to 1,000 or "train"',
        ),
        ({"type": "boolean"}, "true or false"),
        ({"type": "object"}, "a table"),
        ({"type": "string"}, "text"),
        ({"type": "string", "pattern": "^a$"}, "text that matches ^a$"),
        ({"type": "string", "enum": ["a"], "in_words": "a row"}, "a row"),
    ],
)
def test_what_is_allowed_is_said(schema: dict[str, Any], words: str) -> None:
    assert allowed(schema) == words

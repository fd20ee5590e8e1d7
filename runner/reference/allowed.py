"""What a field may be, in words, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caviar.runner.study.toml_text import toml_value

PLAIN = {"boolean": "true or false", "object": "a table", "string": "text"}


def allowed(schema: dict[str, Any]) -> str:
    """`a whole number from 2 to 1,000`, `"relu" or "tanh"`, and so on."""
    if "in_words" in schema:
        return str(schema["in_words"])
    if "anyOf" in schema:
        return either([allowed(one) for one in schema["anyOf"] if one.get("type") != "null"])
    if "enum" in schema or "const" in schema:
        return either([toml_value(word) for word in schema.get("enum", [schema.get("const")])])
    if schema.get("type") == "array":
        return f"a list, each item {allowed(schema['items'])}"
    if schema.get("type") in ("integer", "number"):
        return f"a {'whole ' * (schema['type'] == 'integer')}number{_bounds(schema)}"
    if "pattern" in schema:
        return f"text that matches {schema['pattern']}"
    return PLAIN[schema.get("type", "object")]


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _bounds(schema: dict[str, Any]) -> str:
    """` from 0 to 1`, ` of 0 or more`, ` above 0 and below 1`."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    ends = [f"of {low:,} or more"] if low is not None else []
    for key, word in (("exclusiveMinimum", "above"), ("exclusiveMaximum", "below")):
        ends += [f"{word} {schema[key]:,}"] if key in schema else []
    return f" {' and '.join(ends)}" if ends else ""

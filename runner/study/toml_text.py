"""Values as TOML, in the form that a study file has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_value(value: Any) -> str:
    """A word, a number, true or false, a list, or a table on one line.

    >>> toml_value({"path": "a.csv", "train": 0.5})
    '{ path = "a.csv", train = 0.5 }'
    """
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {toml_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        # JSON escapes all that TOML does, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def toml_lines(table: Mapping[str, Any]) -> list[str]:
    """`key = value` for every entry that is given."""
    return [
        f"{_key(name)} = {toml_value(value)}" for name, value in table.items() if value is not None
    ]


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else toml_value(name)

"""Where two nested values differ, in words."""

from __future__ import annotations

import json
from typing import Any


def difference(recorded: Any, requested: Any, path: str = "") -> list[str]:
    """The differences between two nested values, one sentence for each place."""
    if isinstance(recorded, dict) and isinstance(requested, dict):
        keys = sorted(recorded.keys() | requested.keys())
        return [
            line
            for key in keys
            for line in difference(
                recorded.get(key), requested.get(key), f"{path}.{key}".strip(".")
            )
        ]
    return (
        []
        if recorded == requested
        else [f"{path} is {_shown(recorded)} there and {_shown(requested)} here"]
    )


def _shown(value: Any) -> str:
    return "absent" if value is None else json.dumps(value)

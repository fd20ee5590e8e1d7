"""Changes of a training on its way: `400: learning_rate = 0.03`, read from text and written as it.

Each takes effect at the end of its step: the first step trained otherwise is the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from caviar.runner.effects import is_read, unread
from caviar.runner.errors import RequestError, nearest, shown

Value = float | int | str

RECOMPUTE = "recompute running statistics"

EXAMPLE = "'400: learning_rate = 0.03', '400: reset dense2' or '400: recompute running statistics'"


def _word(text: str) -> str:
    return text.strip("\"'")


SETTABLE: dict[str, Callable[[str], Value]] = {
    "learning_rate": float,
    "momentum": float,
    "weight_decay": float,
    "dropout": float,
    "decay": float,
    "norm_batch_size": int,
    "schedule": _word,
}
"""The fields that can be set between two steps, and how their values are read from text."""


class Change(NamedTuple):
    """What is different after `step`: a `field` is set to `value`, a layer (named in `field`) is
    begun anew, or the running statistics are recomputed."""

    step: int
    what: Literal["set", "reset", "recompute"]
    field: str = ""
    value: Value = ""

    def __str__(self) -> str:
        does = {
            "set": f"{self.field} = {self.value}",
            "reset": f"reset {self.field}",
            "recompute": RECOMPUTE,
        }
        return f"{self.step}: {does[self.what]}"


def read_change(text: str) -> Change:
    """A change from its text, which need not be canonical; raises RequestError."""
    parts = re.fullmatch(r"\s*(\d{1,18})\s*:\s*(.*\S)\s*", text)
    if parts is None:
        raise RequestError(f"change {shown(text)} is not STEP: WHAT; write {EXAMPLE}")
    step, does = int(parts[1]), " ".join(parts[2].split())
    if does in (RECOMPUTE, "recompute"):
        return Change(step, "recompute")
    if does.startswith("reset "):
        return Change(step, "reset", does.removeprefix("reset "))
    field, equals, given = (part.strip() for part in does.partition("="))
    if not equals:
        raise RequestError(
            f"change {shown(text)}: {shown(does)} is not understood; write {EXAMPLE}"
        )
    return Change(step, "set", field, value_of(field, given, f"change {shown(text)}"))


def value_of(field: str, given: str, where: str) -> Value:
    """The value of a settable field from text; raises RequestError, which begins with `where`."""
    if field not in SETTABLE:
        raise RequestError(
            f"{where}: {field!r} cannot be set during training; {nearest(field, SETTABLE)}"
        )
    try:
        return SETTABLE[field](given)
    except ValueError:
        kind = {float: "a number", int: "a whole number"}[SETTABLE[field]]  # type: ignore[index]
        raise RequestError(f"{where}: {field} must be {kind}; got {shown(given)}") from None


def canonical(texts: Sequence[str]) -> tuple[str, ...]:
    """Changes as canonical text, in the order of their steps; those of one step keep theirs."""
    return tuple(map(str, sorted(map(read_change, texts), key=lambda change: change.step)))


def in_turn(trial: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields of a trial as they are in force: from the start, and after each change."""
    fields = {**trial, "changes": ()}
    yield fields
    for change in map(read_change, trial["changes"]):
        if change.what == "set":
            fields = {**fields, change.field: change.value}
            yield fields


def is_ever_read(field: str, trial: Mapping[str, Any]) -> bool:
    """Whether a field of a trial has an effect on any of its rows, before or after a change."""
    return is_read(field, trial) or (
        bool(trial["changes"]) and any(is_read(field, values) for values in in_turn(trial))
    )


def never_read(trial: Mapping[str, Any]) -> list[str]:
    """The fields of a trial that have no effect on any of its rows, before or after a change."""
    idle = unread(trial)
    return [field for field in idle if not is_ever_read(field, trial)] if trial["changes"] else idle

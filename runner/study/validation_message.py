"""A pydantic error as one sentence in the user's words."""

from __future__ import annotations

import re

from pydantic import BaseModel, ValidationError

from caviar.runner.errors import shown
from caviar.runner.fields.trial import TrialFields
from caviar.runner.study.suggestions import suggestion, word_suggestion


def explain(error: ValidationError) -> str:
    """The first problem of a pydantic error in the user's words."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    for noise in (".int", ".float", ".constrained-int", ".constrained-float"):
        where = where.removesuffix(noise)
    if first["type"] == "extra_forbidden":
        key, table = str(first["loc"][-1]), str(first["loc"][0])
        return f"unknown key {key!r} in {table}; {suggestion(key, table)}"
    if first["type"] == "missing":
        return f"{where} is missing"
    message = first["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "must be").replace("a valid tuple", "a list")
    message = message.replace("String should match pattern", "must match")
    message = re.sub(r"^(Tuple|String) should have", "must have", message)
    message = message.replace(" after validation", "")
    given = first["input"]
    got = "" if isinstance(given, dict | BaseModel) else f"; got {shown(given)}"
    if first["type"].endswith("_type") or first["type"] == "literal_error":
        got += _other_table(where, given)
    if first["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        got += word_suggestion(where.rpartition(".")[2], given, words)
    return f"{where}: {message}{got}" if where else message


def _other_table(field: str, given: object) -> str:
    """Where several values of a field go, or the range that it is drawn from."""
    if field not in TrialFields.model_fields:
        return ""
    match given:
        case list() | tuple():
            return f"; values to compare go in [scientific]: scientific.{field} = [...]"
        case dict():
            return f"; a range to draw from goes in [nuisance]: nuisance.{field} = {{ ... }}"
    return ""

"""A pydantic error as one sentence in the user's words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from caviar.runner.errors import nearest, shown


def explain(error: ValidationError, tables: Mapping[str, type[BaseModel]]) -> str:
    """The first problem of a pydantic error in the user's words.

    `tables` maps a table of the study file to its model, for the nearest allowed key.
    """
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    for noise in (".int", ".float", ".constrained-int", ".constrained-float"):
        where = where.removesuffix(noise)
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        owner = tables[str(first["loc"][0])]
        return f"unknown key {key!r} in {first['loc'][0]}; {nearest(key, owner.model_fields)}"
    if first["type"] == "missing":
        return f"{where} is missing"
    message = first["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "must be").replace("a valid tuple", "a list")
    message = message.replace("String should match pattern", "must match")
    message = re.sub(r"^(Tuple|String) should have", "must have", message)
    message = message.replace(" after validation", "")
    given = first["input"]
    got = "" if isinstance(given, dict | BaseModel) else f"; got {shown(given)}"
    return f"{where}: {message}{got}" if where else message

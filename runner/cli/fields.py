"""`caviar fields` and `caviar schema`: what a study file may hold, in words and for editors."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli.options import AsJson
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    from caviar.runner.reference.study_fields import StudyField

WIDTH = 100

FieldName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A field or a table; default: all of them.")
]


def fields(name: FieldName = None, as_json: AsJson = False) -> None:
    """Say what a field of a study file means, its unit, its default and what it may be."""
    import json

    from caviar.runner.reference.study_fields import study_fields

    chosen = _named(name) if name is not None else list(study_fields())
    if as_json:
        say(json.dumps([field._asdict() for field in chosen], indent=1, ensure_ascii=False))
    else:
        say(_listed(chosen) if name is None else "\n\n".join(map(_whole, chosen)))


def schema() -> None:
    """Print the JSON Schema of a study file, by which editors complete and check it."""
    from caviar.runner.reference.json_schema import schema_text

    say(schema_text().rstrip())


def _named(name: str) -> list[StudyField]:
    """The field of a name, with those inside it; or those of a table that are called so."""
    from caviar.runner.reference.study_fields import study_fields
    from caviar.runner.study.suggestions import setting_suggestion

    exact = [f for f in study_fields() if f.name == name or f.name.startswith(f"{name}.")]
    inner = [field for field in study_fields() if field.name.endswith(f".{name}")]
    if not exact and not inner:
        raise RequestError(f"there is no field {name!r}; {setting_suggestion(name)}")
    return exact or inner


def _listed(chosen: list[StudyField]) -> str:
    """A line for each field, part by part."""
    from caviar.runner.reference.study_fields import PARTS

    lines, part = [], ""
    for field in chosen:
        if field.part != part:
            part = field.part
            lines += ["", PARTS[part].replace("`", "")]
        room = WIDTH - 28
        shortened = textwrap.shorten(field.says, room, placeholder=" ...", break_on_hyphens=False)
        lines.append(f"  {field.name:<24}  {shortened}")
    return "\n".join([*lines, "", "caviar fields NAME says all about one of them."]).lstrip("\n")


def _whole(field: StudyField) -> str:
    facts = {"unit": field.unit, "default": field.default, "allowed": field.allowed}
    lines = [
        field.name,
        *textwrap.wrap(field.says, WIDTH, initial_indent="  ", subsequent_indent="  "),
    ]
    for key, text in {**facts, "example": field.example}.items():
        lines += textwrap.wrap(
            f"{key + ':':<9}{text}", WIDTH, initial_indent="  ", subsequent_indent=" " * 11
        )
    return "\n".join(lines)

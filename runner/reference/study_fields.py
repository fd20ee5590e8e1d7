"""Every field of a study file, with all that is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from caviar.runner.fields.dataset import DatasetConfig, TestFile
from caviar.runner.fields.frozen import example_of
from caviar.runner.fields.network import NetworkFields
from caviar.runner.fields.training import TrainingFields
from caviar.runner.fields.trial import TrialFields
from caviar.runner.reference.allowed import allowed
from caviar.runner.study.study import Budget, Draws, Study
from caviar.runner.study.toml_text import toml_value


class StudyField(NamedTuple):
    """A field: its full `name`, the `part` of the file that it stands in, and its reference."""

    name: str
    part: str
    says: str
    unit: str
    default: str
    allowed: str
    example: str


PARTS = {
    "study": "The study",
    "dataset": "The data: `dataset`",
    "dataset.test": "A test file of its own: `dataset.test`",
    "budget": "The length of training: `budget`",
    "draws": "What is drawn: `draws`",
    "network": "A trial's network",
    "training": "A trial's training",
    "measuring": "What a trial measures",
}
"""The parts of a study file by their key, in the order of the page."""

TABLES: dict[str, type[BaseModel]] = {
    "dataset": DatasetConfig,
    "dataset.test": TestFile,
    "budget": Budget,
    "draws": Draws,
}
UNITS = {"boolean": "switch", "string": "text", "object": "table", "array": "words"}


@cache
def study_fields() -> tuple[StudyField, ...]:
    """Every field that a study file may have, part by part."""
    fields = [*_of(Study, "", lambda key: "study")]
    for table, model in TABLES.items():
        fields += _of(model, f"{table}.", lambda key, part=table: part)
    return (*fields, *_of(TrialFields, "", _part))


def fields_of(model: type[BaseModel]) -> Iterator[StudyField]:
    """The fields of one model that `setting` declared."""
    return _of(model, "", lambda key: "trial")


def _of(model: type[BaseModel], prefix: str, part: Any) -> Iterator[StudyField]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    for key, declared in model.model_fields.items():
        if declared.description is None:
            continue
        field = _resolved(schema["properties"][key], schema)
        yield StudyField(
            name=f"{prefix}{key}",
            part=part(key),
            says=str(declared.description),
            unit=field["unit"] or _unit(field),
            default="must be given" if key in required else _default(declared),
            allowed=allowed(field),
            example=f"{prefix}{key} = {toml_value(example_of(declared))}",
        )


def _part(key: str) -> str:
    """The part of a trial's fields: the first of the classes that declares it."""
    if key in NetworkFields.model_fields:
        return "network"
    return "training" if key in TrainingFields.model_fields else "measuring"


def _resolved(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The field with references replaced by what they name."""
    if "$ref" in field:
        named = schema["$defs"][field["$ref"].rpartition("/")[2]]
        return {"type": "object", **named, **field}
    if "anyOf" in field:
        return {**field, "anyOf": [_resolved(one, schema) for one in field["anyOf"]]}
    return field


def _default(declared: FieldInfo) -> str:
    default = declared.get_default(call_default_factory=True)
    if default is None:
        return "none"
    if isinstance(default, BaseModel):
        return toml_value(default.model_dump(exclude_none=True))
    return toml_value(default)


def _unit(field: dict[str, Any]) -> str:
    """What a field holds whose declaration names no unit: words, text, a switch or a table."""
    kinds = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    if any("enum" in kind for kind in kinds):
        return "word"
    return UNITS[kinds[0]["type"]]

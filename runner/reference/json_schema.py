"""The JSON Schema of a study file, by which editors complete and check TOML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.trial import TrialFields
from caviar.runner.study.distributions import RANGES
from caviar.runner.study.study import Budget, Draws, Study

FILE = Path(__file__).with_name("study.schema.json")
"""The same schema as a file, which the `#:schema` lines of the studies in this repository name."""

HEAD = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "title": "A study of caviar",
    "description": "What a study file may hold; `caviar schema` prints this.",
}
NEEDLESS = {"title", "also", "words", "unit", "in_words"}
"""What editors have no use for: `title` is the field's name again."""

LIMITS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
SOURCES = {"path": ["label"], "label": ["path"], "images": ["labels"], "labels": ["images"]}


def study_schema() -> dict[str, Any]:
    """The schema of a study file, of draft 4: editors of TOML know no later one for sure.

    It knows names, types, bounds and words. What depends on several fields at once, or on the
    data, only `caviar run STUDY --dry-run` can check.
    """
    study, trial = _plain(Study.model_json_schema()), _plain(TrialFields.model_json_schema())
    study.pop("$defs")
    fields = study["properties"]
    fields["dataset"] = {**_about(fields["dataset"]), "anyOf": [{"type": "string"}, _dataset()]}
    fields["budget"] = {**_about(fields["budget"]), **_budget()}
    fields["draws"] = {**_about(fields["draws"]), **_inner(Draws)}
    fields["fixed"] = {**_about(fields["fixed"]), "allOf": [_named("trial")]}
    for table, each in (("scientific", _levels), ("nuisance", _drawn)):
        properties = {
            key: each(key, field) for key, field in trial["properties"].items() if key != "changes"
        }
        fields[table] = {**_about(fields[table]), **_table(properties)}
    fields["arms"]["additionalProperties"] = _named("trial")
    return {**study, **HEAD, "definitions": {"trial": trial, **_distributions()}}


def schema_text() -> str:
    """The schema as JSON."""
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def _about(field: dict[str, Any]) -> dict[str, Any]:
    return {key: field[key] for key in ("description", "default") if key in field}


def _named(definition: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{definition}"}


def _inner(model: Any) -> dict[str, Any]:
    """The schema of a table inside a study, without its own description."""
    schema = _plain(model.model_json_schema())
    return {key: value for key, value in schema.items() if key != "description"}


def _budget() -> dict[str, Any]:
    return {**_inner(Budget), "oneOf": [{"required": [key]} for key in Budget.model_fields]}


def _dataset() -> dict[str, Any]:
    """A data set as a table: one of three sources, with what belongs to it."""
    schema = _inner(DatasetConfig)
    test = schema.pop("$defs")["TestFile"]
    kinds = schema["properties"]["test"]["anyOf"]
    schema["properties"]["test"]["anyOf"] = [k for k in kinds if "$ref" not in k] + [test]
    one = [{"required": [key]} for key in ("name", "path", "images")]
    return {**schema, "oneOf": one, "dependencies": SOURCES}


def _table(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _levels(key: str, field: dict[str, Any]) -> dict[str, Any]:
    """A crossed field: a list of its values."""
    items = _named(f"trial/properties/{key}")
    return {
        "description": field["description"],
        "type": "array",
        "items": items,
        "minItems": 1,
        "uniqueItems": True,
    }


def _drawn(key: str, field: dict[str, Any]) -> dict[str, Any]:
    """A drawn field: a scale with its ends, or a choice of values."""
    return {"description": field["description"], "oneOf": [_named("range"), _named("choice")]}


def _distributions() -> dict[str, Any]:
    ends = {"low": {"type": "number"}, "high": {"type": "number"}}
    kinds = {
        "range": {"scale": {"enum": list(RANGES)}, **ends},
        "choice": {"scale": {"enum": ["choice"]}, "values": {"type": "array", "minItems": 1}},
    }
    return {kind: {**_table(keys), "required": list(keys)} for kind, keys in kinds.items()}


def _plain(node: Any) -> Any:
    """A schema of pydantic in draft 4, without null, which TOML lacks, and without the needless."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if (key in NEEDLESS and not (isinstance(value, dict) and "type" in value)) or (
            key,
            value,
        ) == ("default", None):
            continue
        if key in LIMITS:
            kept |= {LIMITS[key]: value, key: True}
        elif key == "const":
            kept["enum"] = [value]
        else:
            kept[key] = _given(value) if key in ("default", "examples") else _plain(value)
    kinds = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
    return {**kept, **kinds[0]} if len(kinds) == 1 else kept | ({"anyOf": kinds} if kinds else {})


def _given(value: Any) -> Any:
    """A default without the fields that it leaves open."""
    if isinstance(value, dict):
        return {key: one for key, one in value.items() if one is not None}
    return value

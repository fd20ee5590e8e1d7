"""The reference of a study file lacks nothing, and its examples are studies."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from caviar.runner.fields.dataset import DatasetConfig, TestFile
from caviar.runner.fields.trial import TrialFields
from caviar.runner.reference.study_fields import PARTS, StudyField, study_fields
from caviar.runner.study.study import Budget, Draws, Study
from caviar.runner.study.toml_text import toml_value

BY_NAME = {field.name: field for field in study_fields()}
TRIAL = ("network", "training", "measuring")


def test_every_field_is_there_with_everything_said() -> None:
    assert not [f.name for f in study_fields() if not all(part.strip() for part in f)]
    assert not [f.name for f in study_fields() if not f.says.endswith(".")]
    models = (Study, DatasetConfig, TestFile, Budget, Draws, TrialFields)
    assert len(study_fields()) == len(BY_NAME) == sum(len(m.model_fields) for m in models)
    assert list(dict.fromkeys(field.part for field in study_fields())) == list(PARTS)


@pytest.mark.parametrize(
    ("name", "unit", "default", "allowed"),
    [
        ("learning_rate", "factor on the gradient", "0.1", "a number above 0"),
        ("hidden", "units", "[128, 128]", "a list, each item a whole number from 1 to 100,000"),
        ("shadow", "switch", "false", "true or false"),
        ("schedule", "word", '"cosine"', '"constant", "step" or "cosine"'),
        ("convention", "word", "none", "a row of `caviar conventions`"),
        ("budget", "table", "{ epochs = 30 }", "a table"),
        ("fixed", "table", "{}", "a table"),
        ("dataset", "table", "must be given", "a table"),
        ("dataset.exclude", "words", "none", "a list, each item text"),
    ],
)
def test_unit_default_and_bounds_are_those_of_the_model(
    name: str, unit: str, default: str, allowed: str
) -> None:
    field = BY_NAME[name]
    assert (field.unit, field.default, field.allowed) == (unit, default, allowed)


COMPANY: dict[str, dict[str, Any]] = {
    "dataset.path": {"label": "y"},
    "dataset.label": {"path": "a.csv"},
    "dataset.images": {"labels": "a.gz"},
    "dataset.labels": {"images": "a.gz"},
    "dataset.test.path": {"path": "a.csv", "label": "y"},
    "dataset.test.images": {"images": "a.gz", "labels": "b.gz", "test.labels": "c.gz"},
    "dataset.test.labels": {"images": "a.gz", "labels": "b.gz", "test.images": "c.gz"},
}
"""Keys of a data set that its fields are given with."""


def _study_with(field: StudyField) -> dict[str, Any]:
    """A study that holds the example of a field, and what the field cannot be without."""
    if field.part in TRIAL:
        return {"fixed": tomllib.loads(field.example)}
    company = COMPANY.get(field.name, {"name": "wine"})
    if field.name in ("dataset.name", "dataset"):
        company = {}
    lines = [field.example, *(f"dataset.{key} = {toml_value(one)}" for key, one in company.items())]
    return tomllib.loads("\n".join(lines))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_example_is_valid(name: str) -> None:
    given = _study_with(BY_NAME[name])
    study = Study.model_validate({"name": "s", "dataset": {"name": "wine"}, **given})
    TrialFields.model_validate(study.fixed)

"""The JSON Schema takes every study that the program takes, and refuses what people get wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.reference.json_schema import FILE, schema_text, study_schema
from caviar.runner.study.study_file import QUICKSTART, study_from_table

ROOT = Path(__file__).resolve().parents[3]
STUDIES = [QUICKSTART, *sorted((ROOT / "studies").glob("*.toml"))]
ORDERINGS = sorted((ROOT / "studies" / "orderings").glob("*.toml"))
VALIDATOR = jsonschema.Draft4Validator(study_schema())


def test_it_is_a_schema_and_the_file_is_the_same() -> None:
    jsonschema.Draft4Validator.check_schema(study_schema())
    assert FILE.read_text(encoding="utf-8") == schema_text()
    assert "null" not in schema_text() and json.loads(schema_text()) == study_schema()


@pytest.mark.parametrize("study", [*STUDIES, *ORDERINGS], ids=lambda path: path.stem)
def test_every_bundled_study_is_valid(study: Path) -> None:
    VALIDATOR.validate(tomllib.loads(study.read_text(encoding="utf-8")))


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_every_bundled_study_names_it_in_its_first_line(study: Path) -> None:
    """Not those of the orderings: registrations hold their bytes."""
    first = study.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("#:schema ")
    assert named != first and (study.parent / named).resolve() == FILE.resolve()


WRONG: dict[str, dict[str, Any]] = {
    "no data": {"dataset": None},
    "a wrong key": {"replcias": 3},
    "a field of a trial at the top": {"learning_rate": 0.1},
    "a number as a word": {"replicas": "8"},
    "no seeds": {"replicas": 0},
    "a name with a blank": {"name": "a b"},
    "two budgets": {"budget": {"epochs": 1, "steps": 1}},
    "an unknown norm": {"fixed": {"norm": "bn"}},
    "a negative rate": {"fixed": {"learning_rate": -0.1}},
    "a rate of zero": {"fixed": {"learning_rate": 0}},
    "a decay of one": {"fixed": {"decay": 1}},
    "an unknown rule": {"fixed": {"conventions": ["torhc"]}},
    "a width that is no list": {"fixed": {"hidden": 128}},
    "one level without a list": {"scientific": {"norm_batch_size": 8}},
    "the same level twice": {"scientific": {"norm_batch_size": [8, 8]}},
    "no level": {"scientific": {"norm_batch_size": []}},
    "a range without an end": {"nuisance": {"learning_rate": {"scale": "uniform", "low": 0.1}}},
    "an unknown scale": {"nuisance": {"momentum": {"scale": "log", "low": 0.1, "high": 0.2}}},
    "a wrong key of an arm": {"arms": {"a": {"lr": 0.1}}},
    "a path without a label": {"dataset": {"path": "a.csv"}},
    "two sources": {"dataset": {"name": "wine", "path": "a.csv", "label": "y"}},
    "an unknown sampler": {"draws": {"sampler": "grid"}},
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_refused_by_the_schema_and_by_the_program(fault: str) -> None:
    study = {"name": "s", "dataset": "wine", **WRONG[fault]}
    study = {key: value for key, value in study.items() if value is not None}
    assert list(VALIDATOR.iter_errors(study))
    with pytest.raises(RequestError):
        study_from_table(study)

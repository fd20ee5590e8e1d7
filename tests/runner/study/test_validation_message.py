"""A pydantic error as one sentence in the user's words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.trial import TrialFields
from caviar.runner.study.study import Study
from caviar.runner.study.validation_message import explain

DATA = {"name": "wine"}
CASES: dict[str, tuple[type[Any], dict[str, Any], str]] = {
    "a kind": (TrialFields, {"batch_size": 2.5}, "batch_size: must be a valid integer; got 2.5"),
    "a bound": (TrialFields, {"momentum": 1.0}, "momentum: must be less than 1; got 1.0"),
    "a word": (
        TrialFields,
        {"optimizer": "adamw"},
        "optimizer: must be 'sgd', 'momentum' or 'adam'; got 'adamw'; did you mean 'adam'?",
    ),
    "an item": (TrialFields, {"hidden": ["a"]}, "hidden.0: must be a valid integer; got 'a'"),
    "a list": (TrialFields, {"hidden": 8}, "hidden: must be a list; got 8"),
    "several values": (
        TrialFields,
        {"momentum": [0.5, 0.9]},
        "momentum: must be a valid number; got [0.5, 0.9]; values to compare go in [scientific]: "
        "scientific.momentum = [...]",
    ),
    "a range": (
        TrialFields,
        {"momentum": {"low": 0.1, "high": 0.9}},
        "momentum: must be a valid number; a range to draw from goes in [nuisance]: "
        "nuisance.momentum = { ... }",
    ),
    "a length": (
        TrialFields,
        {"decays": [0.5] * 101},
        f"decays: must have at most 100 items, not 101; got {[0.5] * 12}"[:-1] + ", ...]",
    ),
    "our own": (
        TrialFields,
        {"batch_size": 16, "norm_batch_size": 6},
        "norm_batch_size 6 does not divide batch_size 16: 16 / 6 leaves 4",
    ),
    "missing": (Study, {"name": "s"}, "dataset is missing"),
    "an inner key": (
        Study,
        {"name": "s", "dataset": {**DATA, "trian": 3}},
        "unknown key 'trian' in dataset; did you mean 'train'?",
    ),
    "a pattern": (
        Study,
        {"name": "a b", "dataset": DatasetConfig(name="wine")},
        "name: must match '^[A-Za-z0-9_][A-Za-z0-9._-]*$'; got 'a b'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_fault_is_said_in_the_user_s_words(case: str) -> None:
    model, table, sentence = CASES[case]
    with pytest.raises(ValidationError) as caught:
        model(**table)
    assert explain(caught.value) == sentence

"""A validated study, and its budget."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.study.study import Budget, Study


def test_a_study_shows_what_moves() -> None:
    study = Study(name="s", dataset=DatasetConfig(name="wine"), scientific={"batch_size": [8, 16]})
    assert repr(study) == "<Study s: wine, 8 seeds, 1 draw; crossed: batch_size>"


def test_a_budget_is_in_epochs_or_in_steps() -> None:
    assert (Budget(epochs=3).steps_for(6), Budget(steps=7).steps_for(6)) == (18, 7)
    for both_or_none in ({}, {"epochs": 1, "steps": 1}):
        with pytest.raises(ValidationError):
            Budget(**both_or_none)

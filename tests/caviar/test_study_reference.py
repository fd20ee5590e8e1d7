"""`docs/study.md` is that of the models, and its example is a study."""

from __future__ import annotations

import re

import pytest

import caviar
from caviar import study_reference
from caviar.model.norms.registry import NORMS
from caviar.runner.reference.study_fields import study_fields


def test_every_field_norm_and_scale_has_a_row_without_a_gap() -> None:
    rows = [line for line in study_reference.page().splitlines() if line.startswith("| `")]
    names = re.findall(r"^\| `([^`]+)`", "\n".join(rows), re.MULTILINE)
    assert names[: len(study_fields())] == [field.name for field in study_fields()]
    assert names[len(study_fields()) :][: len(NORMS)] == list(NORMS)
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert {len(row) for row in cells} == {6, 2} and all(c.strip() for row in cells for c in row)


def test_the_example_is_a_study() -> None:
    study = caviar.read_study(study_reference.EXAMPLE)
    assert (study.draws.count, study.scientific["norm_batch_size"]) == (4, [8, 32, 128])


@pytest.mark.parametrize(("text", "sentence"), [("One\n    line.\n\n    More.", "One line.")])
def test_the_first_paragraph_is_one_line(text: str, sentence: str) -> None:
    assert study_reference.first_sentence(text) == sentence

"""The right name for what people type: a field of another table, or another word for it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from caviar.runner.errors import nearest
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.frozen import example_of, other_names, other_words
from caviar.runner.fields.trial import TrialFields
from caviar.runner.study.study import Budget, Draws, Study
from caviar.runner.study.toml_text import toml_value

STUDY, TRIAL = "", "fixed"
"""The tables of a study's own fields, and of a trial's."""

MODELS: Mapping[str, type[BaseModel]] = {
    STUDY: Study,
    TRIAL: TrialFields,
    "budget": Budget,
    "dataset": DatasetConfig,
    "draws": Draws,
}
"""The tables of a study file, in the order in which a word is looked up in them."""


class Field(NamedTuple):
    table: str
    key: str


def suggestion(key: str, table: str) -> str:
    """What to write in place of an unknown `key` of a `table` of `MODELS`, in one clause."""
    field = next(_meant(key, table), None)
    if field is None:
        return nearest(key, MODELS[table].model_fields)
    if field.table == table:
        return f"did you mean {field.key!r}?"
    return _elsewhere(key, field)


def setting_suggestion(key: str) -> str:
    """The same for an unknown key of `--set`."""
    field = next(_meant(key, STUDY), None)
    if field is None:
        return nearest(key, [*Study.model_fields, *TrialFields.model_fields])
    inner = field.table not in (STUDY, TRIAL)
    return f"did you mean {(f'{field.table}.' if inner else '') + field.key!r}?"


def word_suggestion(key: str, given: object, words: Sequence[str]) -> str:
    """`; did you mean 'batch'?` for a value of `key` that is none of `words`, if one is near."""
    if not isinstance(given, str):
        return ""
    word = given.strip().lower()
    fields = [model.model_fields[key] for model in MODELS.values() if key in model.model_fields]
    meant = [other_words(field)[word] for field in fields if word in other_words(field)]
    meant += difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {meant[0]!r}?" if meant else ""


def _meant(key: str, table: str) -> Iterator[Field]:
    """The fields that a word may mean, those of its own table first; by name, then by other
    names."""
    word = key.strip().lower().replace("-", "_").replace(" ", "_")
    tables = sorted(MODELS, key=lambda name: name != table)
    for name in tables:
        if word in MODELS[name].model_fields:
            yield Field(name, word)
    for name in tables:
        for field, declared in MODELS[name].model_fields.items():
            if word in other_names(declared):
                yield Field(name, field)


def _elsewhere(key: str, field: Field) -> str:
    """Where a field of another table is written."""
    example = toml_value(example_of(MODELS[field.table].model_fields[field.key]))
    line = f"{field.key} = {example}"
    what = "it" if key == field.key else repr(field.key)
    if field.table == TRIAL:
        return f"{what} is a field of a trial: write {line} under [fixed], or cross or draw it"
    if field.table == STUDY:
        return f"{what} is a field of the study: write {line} at the top of the file"
    return f"{what} is a field of {field.table}: write {field.table}.{line} at the top of the file"

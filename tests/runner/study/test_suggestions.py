"""What people type is understood: the right name, and where it is written."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.fields.frozen import other_names, other_words
from caviar.runner.study.study_file import read_study, study_from_table
from caviar.runner.study.suggestions import MODELS, suggestion, word_suggestion


@pytest.mark.parametrize(
    ("key", "table", "says"),
    [
        ("lr", "fixed", "did you mean 'learning_rate'?"),
        ("LR", "fixed", "did you mean 'learning_rate'?"),
        ("batchsize", "fixed", "did you mean 'batch_size'?"),
        ("batch-size", "fixed", "did you mean 'batch_size'?"),
        ("bn", "fixed", "did you mean 'norm'?"),
        ("depth", "fixed", "did you mean 'hidden'?"),
        ("m", "fixed", "did you mean 'norm_batch_size'?"),
        ("seeds", "", "did you mean 'replicas'?"),
        ("val", "dataset", "did you mean 'validation'?"),
        ("epoch", "budget", "did you mean 'epochs'?"),
        (
            "epochs",
            "",
            "it is a field of budget: write budget.epochs = 30 at the top of the file",
        ),
        (
            "epochs",
            "fixed",
            "it is a field of budget: write budget.epochs = 30 at the top of the file",
        ),
        (
            "lr",
            "",
            "'learning_rate' is a field of a trial: write learning_rate = 0.05 under [fixed], or "
            "cross or draw it",
        ),
        (
            "hidden",
            "",
            "it is a field of a trial: write hidden = [256, 256] under [fixed], or cross or draw "
            "it",
        ),
        (
            "seeds",
            "fixed",
            "'replicas' is a field of the study: write replicas = 20 at the top of the file",
        ),
        ("lerning_rate", "fixed", "did you mean 'learning_rate'?"),
        ("zzz", "draws", "allowed are count, sampler"),
    ],
)
def test_a_key_is_led_to_its_field_and_its_table(key: str, table: str, says: str) -> None:
    assert suggestion(key, table) == says


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("lr=1", "'learning_rate'"),
        ("epochs=1", "'budget.epochs'"),
        ("seeds=3", "'replicas'"),
        ("hiden=[3]", "'hidden'"),
    ],
)
def test_a_setting_is_led_to_the_key_that_it_needs(setting: str, says: str) -> None:
    with pytest.raises(RequestError, match=f"did you mean {says}"):
        read_study(None, [setting])


@pytest.mark.parametrize(
    ("key", "given", "says"),
    [
        ("norm", "bn", "; did you mean 'batch'?"),
        ("norm", "LayerNorm", "; did you mean 'layer'?"),
        ("schedule", "cosinus", "; did you mean 'cosine'?"),
        ("norm", "zzz", ""),
        ("norm", 3, ""),
    ],
)
def test_a_word_is_led_to_the_right_one(key: str, given: object, says: str) -> None:
    assert word_suggestion(key, given, ["batch", "layer", "none", "cosine"]) == says


def test_a_study_says_it() -> None:
    with pytest.raises(RequestError) as caught:
        study_from_table({"name": "s", "dataset": "wine", "fixed": {"optimizer": "adamw"}})
    assert str(caught.value) == (
        "optimizer: must be 'sgd', 'momentum' or 'adam'; got 'adamw'; did you mean 'adam'?"
    )


@pytest.mark.parametrize("table", MODELS)
def test_no_other_name_means_two_fields_or_hides_one(table: str) -> None:
    fields = MODELS[table].model_fields
    names = [name for field in fields.values() for name in other_names(field)]
    assert len(names) == len(set(names)) and not set(names) & set(fields)


@pytest.mark.parametrize("table", MODELS)
def test_every_other_word_means_a_word_of_its_field(table: str) -> None:
    schemas = MODELS[table].model_json_schema()["properties"]
    for key, field in MODELS[table].model_fields.items():
        assert set(other_words(field).values()) <= _words(schemas[key])
        assert not set(other_words(field)) & _words(schemas[key])


def _words(schema: dict[str, Any]) -> set[Any]:
    """The words that a field's schema allows, also where it may be left empty."""
    each = [schema, *schema.get("anyOf", ())]
    return {word for one in each for word in (*one.get("enum", ()), one.get("const"))}

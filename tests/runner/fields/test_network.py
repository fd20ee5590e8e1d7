"""The fields of the network."""

from __future__ import annotations

from caviar.model.averages.frameworks import ALL
from caviar.model.norms.registry import NORMS
from caviar.runner.fields.network import NetworkFields


def test_every_norm_and_every_framework_is_a_word_that_an_editor_completes() -> None:
    fields = NetworkFields.model_json_schema()["properties"]
    assert fields["norm"]["enum"] == list(NORMS)
    assert fields["convention"]["anyOf"][0]["enum"] == list(ALL)

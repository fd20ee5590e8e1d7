"""The fields of training."""

from __future__ import annotations

from caviar.runner.effects import OPTIMIZERS
from caviar.runner.fields.training import TrainingFields


def test_every_optimiser_and_what_it_reads_are_fields() -> None:
    fields = TrainingFields.model_json_schema()["properties"]
    assert fields["optimizer"]["enum"] == list(OPTIMIZERS)
    assert frozenset().union(*OPTIMIZERS.values()) <= set(fields)

"""Columns of the tables on disk are declared whole, and once."""

from __future__ import annotations

from dataclasses import fields

import pyarrow as pa

from caviar.model import records
from caviar.runner.store import columns
from caviar.runner.store.columns import OF_MODELS_ONLY
from caviar.runner.store.schemas import MEASURED, OUTCOMES
from caviar.runner.trial.events import Outcome

RECORDS = {
    "curves": records.Curve,
    "evaluations": records.Evaluation,
    "statistics": records.StatisticsError,
    "noise": records.Noise,
    "predictions": records.LogProbabilities,
}


def test_every_field_of_a_record_is_a_column() -> None:
    who = ("trial_id", "attempt", "seed")
    for table, declared in MEASURED.items():
        names = [column.name for column in declared if column.name not in OF_MODELS_ONLY]
        assert names == [*who, *(field.name for field in fields(RECORDS[table]))], table
    assert OUTCOMES.names == [field.name for field in fields(Outcome)]


def test_a_column_has_the_type_that_its_kind_says() -> None:
    assert columns.whole("n", "rows", "How many.").type == pa.int64()
    assert columns.real("x", "nats", "Loss.").range == "any number"
    assert columns.text("t", "A word.").unit == "text"

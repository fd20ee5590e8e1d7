"""The panda's own tables: every column is declared, in the order of what is written."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from caviar.model.measurements.losses import Scores
from caviar.runner.panda.record.reading_rows import layer_rows, score_rows
from caviar.runner.panda.record.tables import DECLARED, PANDA_SCHEMAS
from caviar.runner.panda.training.readings import LayerReading, Reading
from caviar.runner.panda.tree import Intervention

ONE = np.ones(1)
READING = Reading(
    0,
    "id",
    7,
    (3,),
    "unbiased/0.9",
    {("train", "population"): Scores(ONE, ONE)},
    ONE,
    (LayerReading("norm1", ONE, ONE, ONE, ONE, ONE),),
)


def test_what_is_written_is_what_is_declared() -> None:
    assert PANDA_SCHEMAS["interventions"].names == [field.name for field in fields(Intervention)]
    assert PANDA_SCHEMAS["readings"].names == list(score_rows(READING)[0])
    assert PANDA_SCHEMAS["reading_layers"].names == list(layer_rows(READING)[0])


def test_every_column_says_what_it_holds_in_which_unit() -> None:
    columns = [column for table in DECLARED.values() for column in table]
    assert all(column.unit and column.says.endswith(".") and column.range for column in columns)

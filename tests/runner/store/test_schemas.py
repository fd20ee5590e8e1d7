"""A trial's row holds all of its config."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.config import LATER, TrialConfig
from caviar.runner.store.schemas import KEYS, ROW_TABLES, SCHEMAS, TRIALS, config_of, trial_row
from tests.runner.helpers import TINY, plan_of, tiny

TRAINED: dict[str, tuple[str, ...]] = {
    "batch norm": TINY,
    "no norm": tiny("norm=none"),
    "a convention": (*TINY, "convention=keras-3", "decays=[]", "hidden=[6, 5]"),
}


def stored(trial: TrialConfig) -> pa.Table:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([trial_row(trial)], schema=TRIALS), file)
    return pq.read_table(file)


@pytest.mark.parametrize("name", TRAINED)
def test_a_config_comes_back_from_its_row(name: str) -> None:
    for trial in plan_of(*TRAINED[name]).trials:
        (row,) = stored(trial).to_pylist()
        again = config_of(row, trial.dataset)
        assert (again, again.trial_id) == (trial, row["trial_id"])


def test_a_row_from_before_a_column_joined_keeps_its_identity() -> None:
    (trial, *_) = plan_of(*TINY).trials
    (row,) = stored(trial).to_pylist()
    again = config_of({**row, **dict.fromkeys(LATER)}, trial.dataset)
    assert LATER and again.trial_id == row["trial_id"]


@pytest.mark.parametrize("table", ROW_TABLES)
def test_a_measurement_names_its_trial_attempt_and_step(table: str) -> None:
    schema = SCHEMAS[table]
    assert {"trial_id", "attempt", "step"} <= set(schema.names)
    assert set(KEYS[table]) <= set(schema.names) and len(schema.names) == len(set(schema.names))
    assert schema.field("trial_id").type == pa.string()
    assert schema.field("attempt").type == pa.int32()

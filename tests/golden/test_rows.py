"""Every arm gives the rows, trial id and checkpoint that it gave before the files moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.runner.trial.events import Block, Job
from caviar.runner.trial.run_trial import run_trial
from tests.golden.arms import ARMS, CHECKPOINTED
from tests.golden.rows import TABLES, differences, recorded, recorded_checkpoint, recorded_tables
from tests.golden.trials import Table, Trial, computed, planned, tables_of


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_as_recorded(arm: str) -> None:
    assert differences(arm, computed(arm)) == []


@pytest.mark.parametrize("arm", CHECKPOINTED)
def test_a_recorded_checkpoint_leads_to_the_recorded_rows(arm: str) -> None:
    config, data = planned(arm)
    job = Job(config, config.trial_id, 0, recorded_checkpoint(arm), checkpoint_seconds=1e9)
    tables = tables_of([event for event in run_trial(job, data) if isinstance(event, Block)])
    later = _after(recorded_tables(arm), CHECKPOINTED[arm])
    assert tables.keys() == later.keys()
    assert all(len(table["step"]) for table in later.values())
    for name, table in later.items():
        for column, values in table.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(tables[name][column], values, 1e-4, 1e-6)
            else:
                np.testing.assert_array_equal(tables[name][column], values)


def _after(tables: dict[str, Table], step: int) -> dict[str, Table]:
    return {
        name: {key: column[table["step"] > step] for key, column in table.items()}
        for name, table in tables.items()
    }


def test_the_record_has_every_arm_and_table() -> None:
    assert list(recorded()["trial_ids"]) == list(ARMS)
    assert len(set(recorded()["trial_ids"].values())) == len(ARMS)
    assert recorded_tables("everything").keys() == set(TABLES)
    assert all(hashes.keys() == ARMS.keys() for hashes in recorded()["hashes"].values())


def as_recorded(arm: str) -> Trial:
    """What a kernel without recorded bits would be held to."""
    content = recorded()
    return Trial(
        content["trial_ids"][arm],
        content["statuses"][arm],
        recorded_tables(arm),
        recorded_checkpoint(arm),
    )


def test_a_changed_number_is_told_on_any_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.golden.rows.kernel", lambda: "a kernel that was never recorded")
    trial = as_recorded("everything")
    assert differences("everything", trial) == []
    curves = {key: column.copy() for key, column in trial.tables["curves"].items()}
    curves["loss"][2] *= 1 + 1e-4
    changed = replace(trial, tables=trial.tables | {"curves": curves})
    (line,) = differences("everything", changed)
    assert line.startswith("everything: curves loss differs by ")
    (line,) = differences("everything", replace(trial, trial_id="0"))
    assert line.startswith("everything: trial_id was ")


def test_one_bit_is_told_on_a_recorded_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first recorded kernel is the one whose rows were kept."""
    kernel = next(iter(recorded()["hashes"]))
    monkeypatch.setattr("tests.golden.rows.kernel", lambda: kernel)
    trial = as_recorded("batch")
    assert differences("batch", trial) == []
    noise = {key: column.copy() for key, column in trial.tables["noise"].items()}
    noise["coupling"][0] = np.nextafter(noise["coupling"][0], 1)
    changed = replace(trial, tables=trial.tables | {"noise": noise})
    assert differences("batch", changed) == ["batch: noise: the bits differ"]


def test_a_new_column_may_join() -> None:
    trial = as_recorded("batch")
    curves = trial.tables["curves"]
    more = replace(trial, tables=trial.tables | {"curves": {**curves, "new": curves["loss"]}})
    assert differences("batch", more) == differences("batch", trial)

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.run.read import read_run
from caviar.analysis.run.stored.lineages import with_lineages
from caviar.analysis.run.stored.location import place_at
from tests.analysis.interventions.made import TWIN, Made, tables_of, trial_of, written

EDITS = [Made(0, 20, "learning_rate = 0.03"), Made(1, 40, "reset dense2")]


def test_edited_trainings_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    root = written(tmp_path / "bear", tables_of(EDITS, left=(2,)))
    plain, asked = read_run(root), read_run(root, intervened=True)
    assert plain.trials["trial_id"].tolist() == [TWIN] == plain.outcomes["trial_id"].tolist()
    assert asked.trials["trial_id"].tolist() == [TWIN, trial_of(1), trial_of(2)]
    assert asked.counts["planned"] == 3 and asked.counts["completed"] == 2
    for run in (plain, asked):
        assert len(run.interventions) == 2
        assert set(run.readings["trial_id"]) == {TWIN, trial_of(1), trial_of(2)}


def test_another_run_has_no_interventions(tmp_path: Path) -> None:
    root = written(tmp_path / "plain", tables_of(EDITS))
    study = json.loads((root / "study.json").read_text())
    del study["panda"]
    (root / "study.json").write_text(json.dumps(study))
    run = read_run(root)
    assert run.interventions.empty and run.readings.empty and run.reading_layers.empty


def test_readings_that_were_written_again_after_a_kill_count_once(tmp_path: Path) -> None:
    tables = tables_of(EDITS[:1])
    first = tables["lineages/readings"]
    twice = pd.concat([first, first[first["step"] >= 60]])
    run = read_run(written(tmp_path / "bear", tables | {"lineages/readings": twice}))
    assert len(run.readings) == len(first)


def test_a_damaged_table_of_interventions_is_named(tmp_path: Path) -> None:
    root = written(tmp_path / "bear", tables_of(EDITS))
    (root / "interventions" / "part-000000.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"interventions/part-000000\.parquet .* cannot be read"):
        read_run(root)


def test_the_parts_of_edited_trainings_come_after_those_of_the_run(tmp_path: Path) -> None:
    root = written(tmp_path / "bear", tables_of([Made(0, 20, "learning_rate = 0.03")]))
    trials = [part["trial_id"].to_pylist() for part in with_lineages(place_at(root), "trials")]
    assert trials == [[trial_of(0)], [trial_of(1)]]

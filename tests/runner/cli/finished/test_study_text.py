"""The study of a run comes back as the text that makes the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.cli.finished.study_text import data_of, study_text, trials_of
from caviar.runner.session.run_folder import open_run, read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import read_study, study_from_text
from tests.runner.helpers import TINY, plan_of

STUDIES = {
    "crossed and drawn": (*TINY, "draws.sampler=halton"),
    "arms": (*TINY, "norm=batch", 'arms={ "layer norm" = { norm = "layer" }, batch = {} }'),
    "other fields": (*TINY, "optimizer=adam", "beta2=0.99", "convention=keras-3", "dropout=0.1"),
}


def planned(root: Path, plan: Plan) -> str:
    """A run that has its study and its trials, and no row."""
    storage = storage_at(str(root))
    open_run(storage, plan, "caviar run")
    sink = ParquetSink(storage)
    sink.plan(plan.trials)
    sink.close()
    return study_text(str(root), read_study_json(storage), storage)


@pytest.mark.parametrize("name", STUDIES)
def test_the_text_plans_the_same_trials(name: str, tmp_path: Path) -> None:
    plan = plan_of(*STUDIES[name])
    again = make_plan(study_from_text(planned(tmp_path / "run", plan)))
    assert again.hash() == plan.hash()
    assert [t.trial_id for t in again.trials] == [t.trial_id for t in plan.trials]
    assert [t.arm for t in again.trials] == [t.arm for t in plan.trials]


def test_places_of_data_are_whole(tmp_path: Path) -> None:
    table = "a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40))
    (tmp_path / "mine.csv").write_text(table)
    (tmp_path / "s.toml").write_text(
        'name = "s"\ndataset = { path = "mine.csv", label = "y" }\n[fixed]\nbatch_size = 8\n'
    )
    plan = make_plan(read_study(tmp_path / "s.toml"))
    text = planned(tmp_path / "runs" / "s", plan)
    assert study_from_text(text).dataset.path == str(tmp_path / "mine.csv")


def test_trials_come_back_by_their_id(tmp_path: Path) -> None:
    plan = plan_of(*TINY)
    planned(tmp_path / "run", plan)
    storage = storage_at(str(tmp_path / "run"))
    study = read_study_json(storage)
    assert trials_of(study, storage).keys() == {t.trial_id for t in plan.trials}
    assert data_of(str(tmp_path), study) == {"name": "wine", "train": 96, "validation": 40}

"""A panda's folder: begun from one trial of a study, told from any other run, gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.panda.record.run import (
    begin,
    chosen,
    go_on,
    must_be_free,
    read_panda,
)
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.verify.state import state_of
from tests.runner.helpers import TINY, plan_of
from tests.runner.panda.pandas import plan_of_one

PLAN = plan_of_one()


def test_a_trial_is_chosen_by_number_or_name() -> None:
    plan = plan_of(*TINY)
    first, second, *_ = plan.trials
    assert chosen(plan, None).trials == (first,)
    assert chosen(plan, "2").trials == chosen(plan, second.trial_id).trials == (second,)
    for wrong in ("0", "5", "abc"):
        with pytest.raises(RequestError, match="give a number from 1 to 4, or a trial_id"):
            chosen(plan, wrong)


def test_a_begun_run_is_an_ordinary_one_that_says_who_trains_it(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path / "run")
    opened = begin(storage, PLAN, "caviar panda", TrainingPath.numpy)
    assert read_study_json(storage)["panda"] == {"trial_id": PLAN.trials[0].trial_id}
    assert state_of(storage, 0.0).trials == 1
    again = read_panda(storage)
    assert (again.tree, again.name, again.path) == (opened.tree, opened.name, opened.path)
    assert again.per_epoch == 6
    with pytest.raises(RequestError, match="holds a panda's run; go on with"):
        must_be_free(storage)
    assert not go_on(storage, again, "caviar panda --resume", accepted=False)
    assert len(read_study_json(storage)["sessions"]) == 2


def test_another_kernel_is_refused_unless_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalFolder(tmp_path / "run")
    opened = begin(storage, PLAN, "caviar panda", TrainingPath.numpy)
    monkeypatch.setattr(
        "caviar.runner.panda.record.run.other_kernel_before", lambda *_: "computed with another"
    )
    with pytest.raises(RequestError, match="computed with another; set OPENBLAS_CORETYPE"):
        go_on(storage, opened, "caviar panda --resume", accepted=False)
    assert go_on(storage, opened, "caviar panda --resume", accepted=True)


def test_what_is_no_run_of_a_panda_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RequestError, match="holds something already; use another --out"):
        must_be_free(LocalFolder(tmp_path))
    from caviar.runner.session.run_folder import open_run

    plain = LocalFolder(tmp_path / "plain")
    open_run(plain, PLAN, "caviar run")
    with pytest.raises(RequestError, match="is no panda's run"):
        read_panda(plain)

"""The arms of a study, and the run of the first of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.run.arms import arms_of, first_arm
from caviar.analysis.run.read import TABLES, Run, of_trials
from tests.analysis.synthetic import crossed, run_of

LEVELS = {"norm_batch_size": [8, 64]}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    trials = [
        *crossed(LEVELS, arm="batch", rates=(0.1, 0.2)),
        *crossed(LEVELS, arm="stratified", ghosts="stratified"),
        *crossed({"norm_batch_size": [256]}, arm="layer", norm="layer"),
    ]
    return run_of(tmp_path_factory.mktemp("known"), trials, scientific=LEVELS)


def test_arms_are_in_the_order_of_the_study(known: Run) -> None:
    assert arms_of(known) == ("batch", "stratified", "layer")
    some = known.trials["arm"].isin(["layer", "stratified"])
    assert arms_of(of_trials(known, known.trials.loc[some, "trial_id"])) == ("stratified", "layer")


def test_an_arm_without_sizes_to_compare_does_not_come_first(tmp_path: Path) -> None:
    trials = [
        *crossed(LEVELS, arm="layer", norm="layer"),
        *crossed(LEVELS, arm="stratified", ghosts="stratified"),
        *crossed(LEVELS, arm="batch"),
    ]
    run = run_of(tmp_path, trials, scientific=LEVELS)
    assert arms_of(run) == ("stratified", "layer", "batch")
    assert set(first_arm(run).trials["arm"]) == {"stratified"}


def test_a_study_without_arms_has_none(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(LEVELS), scientific=LEVELS)
    assert arms_of(run) == () and first_arm(run) is run
    old = Run(**{**vars(run), "trials": run.trials.drop(columns="arm")})
    assert arms_of(old) == () and first_arm(old) is old


def test_the_first_arm_is_a_run_of_its_own(known: Run) -> None:
    of_first = first_arm(known)
    ids = set(known.trials.loc[known.trials["arm"] == "batch", "trial_id"])
    assert len(ids) == 4
    for table in TABLES:
        whole = getattr(known, table)
        assert set(getattr(of_first, table)["trial_id"]) == ids
        assert len(getattr(of_first, table)) == whole["trial_id"].isin(ids).sum()
    assert of_first.counts["planned"] == of_first.counts["completed"] == 4
    assert of_first.study == known.study

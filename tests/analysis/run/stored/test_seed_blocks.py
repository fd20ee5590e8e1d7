"""Blocks of seeds of one network are read as one trial."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.run.stored.seed_blocks import (
    joined_names,
    joined_outcomes,
    joined_trials,
    renamed,
)

TRIALS = pd.DataFrame(
    {
        "trial_id": ["a", "b", "c", "d"],
        "seeds": [[0, 1], [0, 1], [2, 3], [2, 3]],
        "norm_batch_size": [4, 8, 4, 8],
        "hidden": [[6], [6], [6], [6]],
    }
)
OUTCOMES = pd.DataFrame(
    {
        "trial_id": ["a", "b", "c", "d"],
        "attempt": [0, 0, 1, 0],
        "status": ["diverged", "completed", "completed", "failed"],
        "seconds": [1.0, 2.0, 3.0, 4.0],
        "rows": [10, 20, 30, 40],
        "diverged_seeds": [[1], [], [], []],
        "invariants": ["failed", "passed", "passed", "none"],
    }
)
NAMES = {"a": "a+c", "c": "a+c"}


def test_settled_trials_that_differ_in_seeds_alone_are_joined() -> None:
    assert joined_names(TRIALS, ["a", "b", "c"]) == NAMES
    assert joined_names(TRIALS, ["a", "b", "c", "d"]) == NAMES | {"b": "b+d", "d": "b+d"}
    assert joined_names(TRIALS, ["a", "b"]) == {}


def test_a_joined_trial_has_the_seeds_of_all_its_blocks() -> None:
    """The block that failed stays by itself, so that its loss shows."""
    trials = joined_trials(TRIALS, NAMES)
    assert list(trials.columns) == list(TRIALS.columns)
    assert trials["trial_id"].tolist() == ["a+c", "b", "d"]
    assert trials["seeds"].tolist() == [[0, 1, 2, 3], [0, 1], [2, 3]]


def test_a_joined_outcome_is_the_worst_of_its_blocks() -> None:
    outcomes = joined_outcomes(OUTCOMES, NAMES).set_index("trial_id")
    joined = outcomes.loc["a+c"]
    assert (joined["status"], joined["invariants"]) == ("diverged", "failed")
    assert (joined["seconds"], joined["rows"], joined["diverged_seeds"]) == (4.0, 40, [1])
    assert outcomes.loc[["b", "d"], "status"].tolist() == ["completed", "failed"]


def test_rows_go_by_the_name_of_the_joined_trial() -> None:
    rows = pd.DataFrame({"trial_id": ["c", "b"], "seed": [2, 0], "loss": [0.1, 0.2]})
    assert renamed(rows, NAMES)["trial_id"].tolist() == ["a+c", "b"]
    assert renamed(rows, {}) is rows

from __future__ import annotations

import pandas as pd

from caviar.analysis.run.of_model import is_of_model, with_unfinished


def test_a_training_without_an_outcome_is_unfinished() -> None:
    trials = pd.DataFrame({"trial_id": ["a", "b"]})
    outcomes = pd.DataFrame({"trial_id": ["a"], "attempt": [0], "status": ["completed"]})
    ended = with_unfinished(trials, outcomes)
    assert ended[["trial_id", "attempt", "status"]].to_numpy().tolist() == [
        ["a", 0, "completed"],
        ["b", 0, "unfinished"],
    ]
    nothing = with_unfinished(trials, outcomes.iloc[:0])
    assert list(nothing["status"]) == ["unfinished"] * 2
    assert with_unfinished(trials.iloc[:1], outcomes) is outcomes
    assert is_of_model({"model": {}}) and not is_of_model({"study": {}})

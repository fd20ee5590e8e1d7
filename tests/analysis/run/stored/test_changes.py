"""Changes as they are stored: what is in force in the end, and which rows are of that size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.stored.changes import Setting, in_the_end, of_trained_size, settings_of
from caviar.runner.fields.changes import read_change

CHANGES = ["4: norm_batch_size = 32", "4: reset dense1", "6: decay = 0.5", "8: decay = 0.75"]


def test_only_fields_that_are_set_are_settings() -> None:
    of_runner = [read_change(text) for text in CHANGES]
    expected = [Setting(c.step, c.field, str(c.value)) for c in of_runner if c.what == "set"]
    assert settings_of(np.array(CHANGES)) == expected == settings_of(CHANGES)
    assert settings_of(None) == settings_of(float("nan")) == settings_of([]) == []


TRIALS = pd.DataFrame(
    {
        "trial_id": ["a", "b"],
        "decay": [0.9, 0.9],
        "norm_batch_size": [8, 8],
        "changes": [CHANGES, []],
    },
    index=[7, 3],
)


def test_the_last_value_is_in_force_in_the_end() -> None:
    assert in_the_end(TRIALS, "decay").to_dict() == {7: 0.75, 3: 0.9}
    assert in_the_end(TRIALS.drop(columns="changes"), "decay").to_dict() == {7: 0.9, 3: 0.9}


@pytest.mark.parametrize(("step", "of_a"), [(4, 8), (5, 32), (9, 32)])
def test_rows_of_the_size_that_the_step_was_trained_with(step: int, of_a: int) -> None:
    rows = pd.DataFrame(
        {
            "trial_id": ["a", "a", "b", "b"],
            "step": step,
            "norm_batch_size": 8,
            "probe_batch_size": [8, 32, 8, 32],
        }
    )
    assert of_trained_size(rows, TRIALS).tolist() == [of_a == 8, of_a == 32, True, False]

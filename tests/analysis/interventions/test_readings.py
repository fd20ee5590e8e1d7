from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.interventions.readings import Place, readings_of
from tests.analysis.interventions.made import TWIN, Made, panda


def test_a_place_has_the_values_of_every_seed_in_their_order() -> None:
    rows = panda([Made(0, 20, "learning_rate = 0.03")]).readings
    read = readings_of(rows.sample(frac=1, random_state=0))
    here = rows[(rows["trial_id"] == TWIN) & (rows["step"] == 50) & (rows["split"] == "test")]
    losses = here[here["statistics"] == "running"].sort_values("seed")
    place = Place(TWIN, 50, "test", "running")
    assert read.at(place, "loss") == pytest.approx(losses["loss"].to_numpy(), abs=0)
    assert read.at(place, "accuracy") == pytest.approx(losses["accuracy"].to_numpy(), abs=0)
    assert read.at(place._replace(step=51), "loss") is None
    assert 20 not in read.steps["000000000001"] and max(read.steps[TWIN]) == 100


def test_what_is_not_finite_is_no_value() -> None:
    rows = panda([], seeds=5).readings
    rows.loc[rows["seed"] == 2, "loss"] = math.inf
    losses = readings_of(rows).at(Place(TWIN, 100, "test", "population"), "loss")
    assert losses is not None and np.isnan(losses).tolist() == [False, False, True, False, False]


def test_without_rows_nothing_was_read() -> None:
    assert readings_of(pd.DataFrame()).at(Place(TWIN, 1, "test", "population"), "loss") is None

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from caviar.model.kernels.feed import Feed
from caviar.model.steps.ghost_arrangement import first_come, stratified
from caviar.model.steps.gradient import feed
from caviar.model.steps.snapshot import Drawing, beginning
from tests.kernel_runs import splits, training

pytestmark = pytest.mark.usefixtures("kernels")


def test_the_rows_are_those_of_training_step_by_step() -> None:
    data = splits().train
    for run in (
        training(20, 4, arrangement=first_come(stratified(4), 4)),
        training(20, 16),
    ):
        drawing = Drawing(beginning(run, 4, np.float64).streams)
        at_once = Feed(run, data, drawing, 0)
        taken = np.concatenate([at_once.take(count) for count in (3, 12, 1, 4)], axis=1)
        for t, rows in enumerate(islice(feed(run, data), 20)):
            arranged = run.arrangement(rows.scored, data.labels_of(rows.scored))
            np.testing.assert_array_equal(taken[:, t], np.hstack([arranged, rows.company]))


def test_it_goes_on_in_the_middle_of_an_epoch() -> None:
    run, data = replace(training(20), seeds=(5,)), splits(1).train
    whole = Feed(run, data, Drawing(beginning(run, 4, np.float64).streams), 0).take(16)
    drawing = Drawing(beginning(run, 4, np.float64).streams)
    before = Feed(run, data, drawing, 0)
    before.take(10)
    resumed = Feed(run, data, Drawing(drawing.at_rest()), 10)
    np.testing.assert_array_equal(resumed.take(6), whole[:, 10:])

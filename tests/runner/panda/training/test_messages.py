"""What driver and worker tell each other travels by pickle."""

from __future__ import annotations

import pickle

from caviar.runner.panda.training.messages import Opening, Standing, Status
from tests.runner.panda.pandas import plan_of_one


def test_an_opening_travels_and_goes_on_where_another_worker_stood() -> None:
    opening = Opening(plan_of_one().trials[0], (), births={1: b"state"})
    stood = Status(40, (Standing(40, "paused"),), 0.1, 0.0, 5.0, True, False, False)
    on = pickle.loads(pickle.dumps(opening.going_on(stood)))
    assert (on.step, on.pace, on.paused) == (40, 5.0, True)
    assert on.births == opening.births and on.twin == opening.twin

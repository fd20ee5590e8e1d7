"""One lineage: any pieces, any going back, the same records once."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.runner.data.splits import make_splits
from caviar.runner.panda.training.trainee import Trainee
from caviar.runner.panda.tree import Lineage, child_of
from caviar.runner.trial.events import Job, Outcome
from caviar.runner.trial.kernels import TrainingPath
from tests.runner.panda.pandas import plain_rows, plan_of_one, rows_of

PLAN = plan_of_one()
TWIN = Lineage(0, -1, 0, PLAN.trials[0])
SPLITS = make_splits(PLAN.data, TWIN.config)


def trainee(lineage: Lineage = TWIN, path: TrainingPath = TrainingPath.numpy) -> Trainee:
    job = Job(lineage.config, lineage.trial_id, 0, path=path)
    return Trainee(lineage, job, PLAN.data, SPLITS, lambda: 0.0)


def trained(one: Trainee, until: int) -> None:
    while one.position < until:
        turns = iter((False, False, True))
        for record in one.advance(until, turns.__next__):
            one.gathered.add(record)


def test_pieces_and_going_back_give_each_record_once() -> None:
    one = trainee()
    trained(one, 40)
    assert one.holds(40)
    trained(one, 70)
    one.back_to(40)
    assert one.position == 40
    trained(one, 60)
    one.back_to(30)
    assert one.position == 0
    trained(one, 120)
    events = one.ended()
    assert rows_of(events, TWIN.trial_id) == plain_rows(TWIN.config, PLAN)
    assert isinstance(events[-1], Outcome) and events[-1].status == "completed"


def test_a_stored_state_of_its_birth_has_the_change() -> None:
    parent = trainee()
    trained(parent, 30)
    origin = parent.before(30)
    assert origin is not None
    lineage = child_of(TWIN, 1, ["30: reset dense1", "30: momentum = 0.5"])
    first = trainee(lineage)
    assert not first.known
    first.begin(origin)
    again = trainee(lineage)
    again.keep(first.packed(30))
    for one in (first, again):
        trained(one, 120)
        assert rows_of(one.ended(), lineage.trial_id) == plain_rows(lineage.config, PLAN, after=30)
    changed, before = first.kept[30], first.before(30)
    assert before is not None
    new, old = (s.state.parameters["dense1"]["weight"] for s in (changed, before))
    assert not np.array_equal(new, old)


def test_only_its_own_time_is_counted() -> None:
    clock = iter(range(10**6)).__next__
    job = Job(TWIN.config, TWIN.trial_id, 0)
    one, other = (Trainee(TWIN, job, PLAN.data, SPLITS, clock) for _ in range(2))
    trained(one, 60)
    trained(other, 120)
    spent = one.gathered.seconds
    trained(other, 120)
    assert 0 < spent == one.gathered.seconds < other.gathered.seconds
    assert 0 < other.gathered.probe_seconds < other.gathered.seconds


def test_a_later_state_hides_no_rows_that_are_still_to_come() -> None:
    """As after a kill: a snapshot is on disk, but neither rows nor a checkpoint are."""
    first = trainee()
    trained(first, 40)
    assert first.holds(40)
    again = trainee()
    again.keep(first.packed(40))
    assert again.position == 0
    again.back_to(60)
    assert again.position == 0
    trained(again, 120)
    assert rows_of(again.ended(), TWIN.trial_id) == plain_rows(TWIN.config, PLAN)


def test_a_damaged_state_is_left() -> None:
    one = trainee(child_of(TWIN, 1, ["30: momentum = 0.5"]))
    one.keep(b"no checkpoint")
    assert not one.known


def test_going_back_before_all_that_is_known_forgets_the_state() -> None:
    one = trainee(child_of(TWIN, 1, ["30: momentum = 0.5"]))
    parent = trainee()
    trained(parent, 30)
    one.begin(parent.kept[30] if parent.holds(30) else pytest.fail("it was held"))
    trained(one, 50)
    one.holds(50)
    del one.kept[30]
    one.back_to(40)
    assert not one.known


@pytest.mark.slow
def test_the_same_on_kernels() -> None:
    one = trainee(path=TrainingPath.compiled)
    trained(one, 33)
    one.holds(33)
    trained(one, 50)
    one.back_to(33)
    trained(one, 120)
    whole = trainee(path=TrainingPath.compiled)
    trained(whole, 120)
    assert rows_of(one.ended(), TWIN.trial_id) == rows_of(whole.ended(), TWIN.trial_id)

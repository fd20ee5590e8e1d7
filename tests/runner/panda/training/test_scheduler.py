"""Which lineage comes next: the one behind, what a birth needs, the parked, then the passed."""

from __future__ import annotations

from caviar.runner.panda.training.scheduler import Goal, Needs, ancestors, next_goal
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()
NOTHING = Needs({}, ())


def goal(panda: Driven, limit: int, parked: bool = False, needs: Needs = NOTHING) -> Goal | None:
    return next_goal(panda.worker.tree, panda.worker._trainees, needs, limit, parked)


def test_a_birth_needs_its_parent_up_to_the_step_of_the_change() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 30")
    panda.ask("set decay=0.95 --at 50")
    trainees, tree = panda.worker._trainees, panda.worker.tree
    assert ancestors(tree, trainees, 2) == [2, 1, 0]
    assert goal(panda, 20) == Goal(0, 20)
    assert goal(panda, 120) == Goal(0, 30)
    panda.ask("pause --at 40")
    panda.rest()
    assert ancestors(tree, trainees, 2) == [2, 1]
    assert goal(panda, 40) is None
    assert goal(panda, 120) == Goal(0, 120)
    trainees[0].advance(60, lambda: False)
    assert goal(panda, 120) == Goal(1, 50)


def test_it_stops_at_what_is_to_be_read_or_kept() -> None:
    panda = Driven(PLAN)
    needs = Needs({0: frozenset({7, 90})}, [(0, 11)])
    assert goal(panda, 120, needs=needs) == Goal(0, 7)
    panda.worker._trainees[0].advance(7, lambda: False)
    assert goal(panda, 120, needs=needs) == Goal(0, 11)
    assert goal(panda, 9, needs=needs) == Goal(0, 9)


def test_parked_lineages_and_passed_steps_come_last() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 30")
    panda.ask("pause --at 40")
    panda.rest()
    panda.ask("undo")
    trainees = panda.worker._trainees
    trainees[0].advance(120, lambda: False)
    trainees[0].end()
    assert goal(panda, 120) is None
    assert goal(panda, 120, parked=True) == Goal(1, 120)
    trainees[1].advance(120, lambda: False)
    trainees[1].end()
    needs = Needs({1: frozenset({100})}, ())
    assert goal(panda, 120, parked=True, needs=needs) == Goal(1, 100)
    assert trainees[1].position == 30
    assert goal(panda, 120, parked=True) is None

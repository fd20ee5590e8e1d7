"""Which lineage is trained next, and up to which step: no clock decides what is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caviar.runner.panda.training.trainee import Trainee
from caviar.runner.panda.tree import NONE, Tree


class Goal(NamedTuple):
    """A lineage to train, and the step at which it is looked at again."""

    lineage: int
    until: int


class Needs(NamedTuple):
    """Steps that matter besides the end: those to be read by lineage, and snapshots to be taken
    (of a lineage, after a step)."""

    readings: Mapping[int, frozenset[int]]
    snapshots: Iterable[tuple[int, int]]


def next_goal(
    tree: Tree, trainees: Mapping[int, Trainee], needs: Needs, limit: int, parked: bool
) -> Goal | None:
    """The next lineage to train; None while all that may be trained stands at the limit.

    None of the active ones goes beyond `limit`, and the one that is behind goes first. With
    `parked`, the others follow, then what was to be read of steps that a lineage has passed.
    """
    toward = {n: _toward(tree, trainees, n, limit) for n in tree.active}
    behind = sorted((trainees[g.lineage].position, g) for g in toward.values() if g is not None)
    steps = tree.now.config.steps
    goal = behind[0][1] if behind else None
    if parked:
        goal = goal or _parked(tree, trainees, steps) or _passed(tree, trainees, needs)
    if goal is None:
        return None
    return Goal(goal.lineage, _next_stop(tree, trainees, needs, goal))


def _toward(tree: Tree, trainees: Mapping[int, Trainee], number: int, limit: int) -> Goal | None:
    """What brings a lineage closer to a step: training it, or its parent up to its birth."""
    trainee, lineage = trainees[number], tree.lineages[number]
    if trainee.known:
        return Goal(number, limit) if trainee.position < limit else None
    if limit < lineage.born:
        return _toward(tree, trainees, lineage.parent, limit)
    parent = trainees[lineage.parent]
    if not parent.known:
        return _toward(tree, trainees, lineage.parent, lineage.born)
    if parent.position > lineage.born:
        parent.back_to(lineage.born)
    return Goal(lineage.parent, lineage.born)


def _parked(tree: Tree, trainees: Mapping[int, Trainee], steps: int) -> Goal | None:
    for number, trainee in sorted(trainees.items()):
        if not trainee.sent:
            return _toward(tree, trainees, number, steps)
    return None


def _passed(tree: Tree, trainees: Mapping[int, Trainee], needs: Needs) -> Goal | None:
    """A step that was passed without being read, or without its snapshot being taken."""
    missing = [(n, step) for n, steps in needs.readings.items() for step in steps]
    for number, step in sorted({*missing, *needs.snapshots}):
        if trainees[number].position >= step:
            trainees[number].back_to(step - 1 if trainees[number].lineage.born < step else step)
        return _toward(tree, trainees, number, step)
    return None


def _next_stop(tree: Tree, trainees: Mapping[int, Trainee], needs: Needs, goal: Goal) -> int:
    """The first step on the way at which something is to be done."""
    number, position = goal.lineage, trainees[goal.lineage].position
    births = {child.born for child in tree.children(number) if not trainees[child.number].known}
    snapshots = {step for lineage, step in needs.snapshots if lineage == number}
    stops: set[int] = {*births, *snapshots, *needs.readings.get(number, ())}
    return min([goal.until, *(step for step in stops if position < step < goal.until)])


def ancestors(tree: Tree, trainees: Mapping[int, Trainee], number: int) -> list[int]:
    """The lineage and those that must be trained before it begins to be."""
    chain = [number]
    while not trainees[chain[-1]].known and tree.lineages[chain[-1]].parent != NONE:
        chain.append(tree.lineages[chain[-1]].parent)
    return chain

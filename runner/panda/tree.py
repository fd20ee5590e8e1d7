"""The lineages of a panda: a tree that every accepted request turns into the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from caviar.runner.config import TrialConfig
from caviar.runner.fields.changes import read_change
from caviar.runner.panda.requests import EDITS

NONE = -1
"""No lineage."""


@dataclass(frozen=True)
class Intervention:
    """A row of the table `interventions`: what was asked, and what came of it.

    A request that sets several fields has a row for each, with one `number`.
    """

    number: int
    trial_id: str
    lineage: int
    child: int
    child_trial_id: str
    step: int
    asked_step: int
    what: str
    field: str
    old: str
    new: str
    change: str
    accepted: bool
    note: str
    asked_by: str
    wall_time: str


@dataclass(frozen=True)
class Lineage:
    """A training with one request's changes more than its parent's, from the end of step `born`.

    Its config lists every change since the start, so that training it alone gives the same bits.
    """

    number: int
    parent: int
    born: int
    config: TrialConfig
    change: str = ""

    @property
    def trial_id(self) -> str:
        return self.config.trial_id


class Snap(NamedTuple):
    """Where a snapshot was taken."""

    lineage: int
    step: int


@dataclass(frozen=True)
class Tree:
    """All lineages, which of them is current, and those that are trained beside it.

    `standing` is the step that the current lineage was moved back to, None if it was not.
    """

    lineages: tuple[Lineage, ...]
    current: int = 0
    standing: int | None = None
    beside: frozenset[int] = frozenset()
    snapshots: Mapping[str, Snap] = field(default_factory=dict)

    @classmethod
    def of(cls, twin: TrialConfig, interventions: Iterable[Intervention] = ()) -> Tree:
        """The tree that a twin and all that was asked of it make."""
        tree = cls((Lineage(0, NONE, 0, twin),))
        for rows in _requests(interventions):
            tree = after(tree, rows)
        return tree

    @property
    def now(self) -> Lineage:
        """The current lineage."""
        return self.lineages[self.current]

    @property
    def active(self) -> tuple[int, ...]:
        """The lineages that advance side by side: the twin, the current one, those beside."""
        return tuple(sorted({0, self.current, *self.beside}))

    def children(self, number: int) -> Iterator[Lineage]:
        """The lineages that began from this one."""
        return (lineage for lineage in self.lineages if lineage.parent == number)


def holder_of(tree: Tree, step: int) -> Lineage:
    """The lineage that the current training is after a step: itself, or where its change comes
    later, the parent that it begins from."""
    lineage = tree.now
    while lineage.born > step:
        lineage = tree.lineages[lineage.parent]
    return lineage


def child_of(parent: Lineage, number: int, changes: Sequence[str]) -> Lineage:
    """The lineage that changes of `parent` start, all at one step; `with_change` accepted them."""
    config = parent.config.model_copy(update={"changes": (*parent.config.changes, *changes)})
    step, what = read_change(changes[0]).step, [text.partition(": ")[2] for text in changes]
    return Lineage(number, parent.number, step, config, f"{step}: {'; '.join(what)}")


def after(tree: Tree, rows: Sequence[Intervention]) -> Tree:
    """The tree after a request, whose rows are one for each field that it set; the same tree if it
    was refused or is about time alone."""
    *_, row = rows
    if not row.accepted:
        return tree
    if row.what in EDITS:
        child = child_of(tree.lineages[row.lineage], row.child, [each.change for each in rows])
        return replace(tree, lineages=(*tree.lineages, child), current=child.number, standing=None)
    if row.what in ("rewind", "undo"):
        return replace(tree, current=row.child, standing=row.step)
    if row.what == "select":
        return replace(tree, current=row.child, standing=None)
    if row.what == "fork":
        return replace(tree, beside=tree.beside | {row.lineage})
    if row.what == "snapshot":
        return replace(tree, snapshots={**tree.snapshots, row.new: Snap(row.lineage, row.step)})
    return tree


def last_step(interventions: Sequence[Intervention]) -> int:
    """The step that the current lineage stood after once the last request was answered."""
    if not interventions:
        return 0
    row = interventions[-1]
    moved = row.accepted and row.what in ("rewind", "undo", "select")
    return row.step if moved else row.asked_step


def _requests(interventions: Iterable[Intervention]) -> Iterator[list[Intervention]]:
    """The rows of each request together."""
    for _, rows in groupby(interventions, key=lambda row: row.number):
        yield list(rows)

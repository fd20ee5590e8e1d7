"""The trainings that edits started, as a tree whose root is the training without any."""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

from caviar.analysis.run.read import Run

TWIN = 0
"""The number of the training that was never edited."""


class Edit(NamedTuple):
    """A training with one change more than its parent, from the end of update `step` on.

    `change` is what was changed in the words of a study file; `note` and `asked_by` are those of
    the request.
    """

    lineage: int
    parent: int
    step: int
    change: str
    trial_id: str
    note: str
    asked_by: str

    @property
    def shown(self) -> str:
        """The change with numbers of four digits, as sentences and figures have it."""
        return in_short(self.change)


NUMBER = re.compile(r"(?<== )-?[\d.]+(?:e[-+]?\d+)?")


def in_short(change: str) -> str:
    """`learning_rate = 2.337` of `learning_rate = 2.33718010523436`."""
    return NUMBER.sub(lambda text: f"{float(text[0]):.4g}", change)


class Counted(NamedTuple):
    """How many requests there were, and how many of them were refused."""

    requests: int
    refused: int

    def __str__(self) -> str:
        requests = "1 request" if self.requests == 1 else f"{self.requests} requests"
        return f"{requests}, {self.refused} refused"


def counted(interventions: pd.DataFrame) -> Counted:
    """The requests of a run; one that sets several fields has a row each and one number."""
    if interventions.empty:  # It may have no columns either.
        return Counted(0, 0)
    refused = ~interventions["accepted"].astype(bool)
    numbers = interventions["number"]
    return Counted(numbers.nunique(), numbers[refused].nunique())


class Tree(NamedTuple):
    """`twin` is the trial without edits; `edits` rise by lineage; `last` was current at the end."""

    twin: str
    edits: tuple[Edit, ...]
    last: int

    @property
    def chain(self) -> tuple[Edit, ...]:
        """The edits that the last training has, the first one first; none where it is the twin."""
        by_lineage = {edit.lineage: edit for edit in self.edits}
        edits, lineage = [], self.last
        while lineage in by_lineage:
            edits.append(by_lineage[lineage])
            lineage = edits[-1].parent
        return tuple(reversed(edits))

    def trial_of(self, lineage: int) -> str:
        """The trial of a lineage; raises KeyError for a number that none has."""
        return ({TWIN: self.twin} | {e.lineage: e.trial_id for e in self.edits})[lineage]


def tree_of(run: Run) -> Tree:
    """The tree of a run that was read with its edited trainings."""
    if run.interventions.empty:  # It may have no columns either.
        return Tree(str(run.trials["trial_id"].iloc[0]), (), TWIN)
    accepted = run.interventions[run.interventions["accepted"].astype(bool)].sort_values("number")
    started = accepted[accepted["change"].fillna("") != ""]
    edits = tuple(_edit(rows) for _, rows in started.groupby("child", sort=True))
    children = {edit.trial_id for edit in edits}
    twin = next(trial for trial in run.trials["trial_id"] if trial not in children)
    moved = accepted[accepted["child"] >= 0]
    return Tree(twin, edits, int(moved["child"].iloc[-1]) if len(moved) else TWIN)


def _edit(rows: pd.DataFrame) -> Edit:
    """The edit that some requests made together: one that names several fields has a row each."""
    first = rows.iloc[0]
    return Edit(
        lineage=int(first["child"]),
        parent=int(first["lineage"]),
        step=int(first["step"]),
        change=" and ".join(_what(text) for text in rows["change"]),
        trial_id=str(first["child_trial_id"]),
        note=str(first["note"] or ""),
        asked_by=str(first["asked_by"]),
    )


def _what(change: str) -> str:
    """`learning_rate = 0.03` of `400: learning_rate = 0.03`."""
    return change.partition(": ")[2] or change

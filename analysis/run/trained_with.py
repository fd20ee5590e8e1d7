"""Which trials train with the size that is compared: the others enter no effect of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from caviar.analysis.run.read import Run, of_trials


class Unread(NamedTuple):
    """Training does not read `field` in trials whose field `decided_by` is one of `values`."""

    field: str
    decided_by: str
    values: tuple[str, ...]


EARLIER = (Unread("norm_batch_size", "norm", ("group", "layer", "none")),)
"""What training does not read in a run whose `study.json` does not say so."""


class NotCompared(NamedTuple):
    """How many `trials` of how many (`of`) do not train with the compared size, and why.

    `values` are those of the field `decided_by` in these trials, in the order of the run.
    """

    trials: int
    of: int
    decided_by: str
    values: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The values that decide: `norm = layer or none`."""
        return f"{self.decided_by} = {' or '.join(self.values)}"


def unread_in(study: Mapping[str, Any]) -> tuple[Unread, ...]:
    """What training does not read, as the runner noted it in the content of `study.json`."""
    if "not_trained_with" not in study:
        return EARLIER
    return tuple(
        Unread(row["field"], row["decided_by"], tuple(row["values"]))
        for row in study["not_trained_with"]
    )


def trains_with(run: Run, field: str) -> pd.Series:
    """For every row of `run.trials`, whether its training reads a field."""
    reads = pd.Series(True, index=run.trials.index)
    for unread in unread_in(run.study):
        if unread.field == field:
            reads &= ~run.trials[unread.decided_by].isin(unread.values)
    return reads


def trained_with(run: Run, field: str) -> Run:
    """The run as if it had only the trials whose training reads a field."""
    reads = trains_with(run, field)
    return run if reads.all() else of_trials(run, run.trials.loc[reads, "trial_id"])


def not_compared(run: Run, field: str) -> NotCompared | None:
    """The trials that enter no effect of a field; None where all of them train with it."""
    without = run.trials[~trains_with(run, field)]
    if without.empty:
        return None
    (decided_by,) = {unread.decided_by for unread in unread_in(run.study) if unread.field == field}
    values = tuple(without[decided_by].drop_duplicates())
    return NotCompared(len(without), len(run.trials), decided_by, values)

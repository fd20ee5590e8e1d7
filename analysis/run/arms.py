"""The arms that a study names, and the run of the first of them."""

from __future__ import annotations

from caviar.analysis.run.design import SIZES
from caviar.analysis.run.read import Run, of_trials
from caviar.analysis.run.trained_with import trains_with

REGULARISERS = ("dropout", "gamma_decay", "weight_decay")
"""The fields by which an arm regularises beside, or instead of, batch norm's noise."""


def arms_of(run: Run) -> tuple[str, ...]:
    """The arms that a study names and the run has trials of, in the study's order; the first one
    whose trials train with different batch sizes comes first, since its sizes are compared."""
    named = run.study["study"].get("arms", {})
    planned = set(run.trials["arm"]) if "arm" in run.trials else set()
    arms = [name for name in named if name in planned]
    differ = _with_sizes(run) if len(arms) > 1 else set()
    return tuple(sorted(arms, key=lambda arm: arm != next(filter(differ.__contains__, arms), "")))


def _with_sizes(run: Run) -> set[str]:
    """The arms whose trials train with more than one value of a batch size."""
    differ: set[str] = set()
    for size in SIZES:
        values = run.trials[trains_with(run, size)].groupby("arm")[size].nunique()
        differ |= set(values.index[values > 1])
    return differ


def first_arm(run: Run) -> Run:
    """The trials of the study's first arm alone; the run itself where it names none."""
    arms = arms_of(run)
    if not arms:
        return run
    return of_trials(run, run.trials.loc[run.trials["arm"] == arms[0], "trial_id"])

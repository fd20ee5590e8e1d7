"""The arms that a study names, and the run of the first of them."""

from __future__ import annotations

from caviar.analysis.run.read import Run, of_trials

REGULARISERS = ("dropout", "gamma_decay", "weight_decay")
"""The fields by which an arm regularises beside, or instead of, batch norm's noise."""


def arms_of(run: Run) -> tuple[str, ...]:
    """The arms that a study names and the run has trials of, in the study's order."""
    named = run.study["study"].get("arms", {})
    planned = set(run.trials["arm"]) if "arm" in run.trials else set()
    return tuple(name for name in named if name in planned)


def first_arm(run: Run) -> Run:
    """The trials of the study's first arm alone; the run itself where it names none."""
    arms = arms_of(run)
    if not arms:
        return run
    return of_trials(run, run.trials.loc[run.trials["arm"] == arms[0], "trial_id"])

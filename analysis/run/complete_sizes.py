"""A run that is still running, without the sizes that would be compared on fewer trials."""

from __future__ import annotations

from dataclasses import replace

from caviar.analysis.run.arms import first_arm
from caviar.analysis.run.design import design_of
from caviar.analysis.run.of_model import is_of_model
from caviar.analysis.run.read import SETTLED, Run, of_trials


def while_running(run: Run) -> Run:
    """The trials of those sizes of which every trial has a result, and a note that says so.

    A size with half of its learning rates would differ from the others by them alone.
    Raises ValueError if no two sizes are complete.
    """
    if is_of_model(run.study):
        return replace(run, note="It is still running.")
    settled = run.outcomes.loc[run.outcomes["status"].isin(SETTLED), "trial_id"]
    so_far = f"{len(settled)} of {len(run.trials)} trials have a result"
    design = design_of(first_arm(run))
    if design is None:
        return replace(run, note=f"This run is still running: {so_far}.")
    sizes = run.trials[design.axis]
    open_sizes = set(sizes[~run.trials["trial_id"].isin(settled)])
    complete = sorted(set(sizes) - open_sizes)
    if len(complete) < 2:
        raise ValueError(
            f"{str(run.where)!r} is still running: {so_far}, and no two sizes have all of theirs"
        )
    left_out = ", ".join(f"{size:g}" for size in sorted(open_sizes))
    compared = ", ".join(f"{size:g}" for size in complete)
    note = f"This run is still running: {so_far}. Compared are the complete sizes, "
    note += f"{design.symbol} = {compared}"
    note += f"; not yet {left_out}." if open_sizes else "."
    whole = of_trials(run, run.trials.loc[sizes.isin(complete), "trial_id"])
    return replace(whole, note=note)

"""What a study says that has an arm with edits and one without, at one batch size."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.interventions.columns import SCHEDULE
from caviar.analysis.interventions.figures import effects_by_schedule
from caviar.analysis.interventions.schedules import (
    effects_of_schedules,
    pairs_of,
    told_of_schedules,
)
from caviar.analysis.models.model_results import ModelAnswer, ModelResults, ModelTable
from caviar.analysis.run.read import Run

QUESTION = "Do the edits help on these seeds?"
CAREFUL = (
    "this is a test of edits that were made on other seeds, as `caviar export --schedule` has it."
)
ENOUGH = 20
"""Seeds that the next run has, if those of this one left something open."""


def schedule_results(run: Run) -> ModelResults | None:
    """The answer of such a study; None for another one, or before both arms have ended."""
    table = effects_of_schedules(run)
    if table.empty:
        return None
    seeds = max(map(len, run.trials["seeds"]))
    return ModelResults(
        run=run,
        opening=_opening(run),
        answers=(ModelAnswer(QUESTION, " ".join(told_of_schedules(table)), (), SCHEDULE.name),),
        careful=CAREFUL,
        following=f"the same command with --extend --set replicas={max(ENOUGH, 2 * seeds)}, for "
        "narrower intervals.",
        tables=(_section(table),),
    )


def _opening(run: Run) -> str:
    seeds = sorted({seed for of_trial in run.trials["seeds"] for seed in of_trial})
    arms = ", ".join(f"{pair.arm} against {pair.against}" for pair in pairs_of(run))
    return (
        f"{run.name} on {run.trials['dataset'].iloc[0]}: the same training with edits and without "
        f"({arms}), seeds {seeds[0]} to {seeds[-1]}; {run.ended}."
    )


def _section(table: pd.DataFrame) -> ModelTable:
    return ModelTable(
        SCHEDULE.name,
        "With edits less without",
        SCHEDULE.says,
        table,
        SCHEDULE.units,
        "evaluations",
        lambda: effects_by_schedule(table),
        "Bars are 95 % intervals over seeds; the axis is linear up to 0.01 nats and logarithmic "
        "beyond.",
        "Test loss with edits less that without, with intervals.",
    )

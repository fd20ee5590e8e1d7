"""The sections of an edited training's page: a table each, with words and a figure."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.interventions.columns import EFFECTS, LOSSES, REQUESTS
from caviar.analysis.interventions.curves import losses_while_training
from caviar.analysis.interventions.figures import effects_by_edit, losses_with_edits
from caviar.analysis.interventions.tree import Tree, counted
from caviar.analysis.models.model_results import ModelTable
from caviar.analysis.run.read import Run

SHOWN = ("what", "field", "old", "new", "accepted", "note", "asked_by", "wall_time")


def sections(run: Run, tree: Tree, effects: pd.DataFrame) -> tuple[ModelTable, ...]:
    """Curves with the edits on them, their effects, and the log; those that have rows."""
    every = (_losses(run, tree), _effects(effects), _requests(run))
    return tuple(section for section in every if len(section.table))


def _losses(run: Run, tree: Tree) -> ModelTable:
    table = losses_while_training(run)
    return ModelTable(
        LOSSES.name,
        "The edits on the curves",
        LOSSES.says,
        table,
        LOSSES.units,
        "readings",
        lambda: losses_with_edits(table, tree),
        "Dotted lines are edits, at the update after which they took effect. The band is a 95 % "
        "interval over seeds at each update alone; several looks at it miss more often than one.",
        "Test losses against updates with every edit marked, and the difference from the twin.",
    )


def _effects(effects: pd.DataFrame) -> ModelTable:
    return ModelTable(
        EFFECTS.name,
        "What each edit did",
        EFFECTS.says,
        effects,
        EFFECTS.units,
        "readings",
        lambda: effects_by_edit(effects),
        "Bars are 95 % intervals over seeds, each for its edit alone; the axis is linear up to "
        "0.01 nats and logarithmic beyond.",
        "The effect of every edit on test loss with its interval.",
    )


def _requests(run: Run) -> ModelTable:
    columns = ["number", "step", "lineage", "child", *SHOWN]
    asked = run.interventions.reindex(columns=columns).sort_values("number")
    why = "; the reason stands in `note`" if counted(run.interventions).refused else ""
    return ModelTable(
        REQUESTS.name,
        "What was asked",
        f"In order: {counted(run.interventions)}{why}.",
        asked,
        {"step": "updates"},
        "interventions",
    )

"""What edits did, in sentences that their intervals license."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from caviar.analysis.interventions.effects import AT_END, EDIT, EPOCH_AFTER, TOTAL
from caviar.analysis.interventions.tree import TWIN, Edit, Tree
from caviar.analysis.number_format import with_interval
from caviar.analysis.run.read import SETTLED, Run
from caviar.analysis.tables.families import MARGINS

MARGIN = MARGINS["test_loss"]
BOUNDS = (0.0, MARGIN, -MARGIN)
MOST = 4
"""Edits that a sentence names; the others are in the table."""

ADD_UP = (
    "The effects of these edits add up to this, since each is held against the training that it "
    "was made in."
)

Row = Mapping[str, Any]


def one_by_one(run: Run, tree: Tree, effects: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    """What each edit did to the test loss at the end; then the same earlier and read otherwise."""
    if not tree.edits:
        return "Nothing was edited: the only training is the one without edits.", ()
    told = [_at_end(run, tree, edit, effects) for edit in _in_order(tree)]
    says = (
        f"Test loss at the end{_seeds(effects)}, each less the same training without that edit: "
        f"{'; '.join(told[:MOST])}{_further(len(told))}."
    )
    if not_ended(run, tree):
        says += f" {resumed(run)}"
    others = (
        _listed(effects, "With the running average", AT_END, "running", "loss"),
        _listed(effects, "One epoch after the edit", EPOCH_AFTER, "population", "loss"),
        _listed(effects, "Validation loss at the end", AT_END, "population", "loss", "validation"),
        _listed(effects, "Test accuracy at the end", AT_END, "population", "accuracy"),
    )
    return says, tuple(filter(None, others))


def together(run: Run, tree: Tree, effects: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    """What all edits of the last training did, against the twin."""
    if not tree.chain:
        return "Nothing: the training that was current last is the one without edits.", ()
    loss, accuracy = (_row(effects, TOTAL, tree.last, q) for q in ("loss", "accuracy"))
    edits = f"{_numbered(tree.chain)} against none"
    if loss is None:
        return f"{edits}: {_why_not(run, tree, (tree.last, TWIN))}.", ()
    also = "" if accuracy is None else f"; accuracy {points(accuracy)}"
    running = _row(effects, TOTAL, tree.last, "loss", "running")
    aside = [edit for edit in tree.edits if edit not in tree.chain]
    more = (
        ADD_UP if len(tree.chain) > 1 else "",
        "" if running is None else f"With the running average: {verdict_on(running)}.",
        f"Undone, or left aside: {_numbered(aside).lower()}." if aside else "",
    )
    return f"{edits}: test loss {verdict_on(loss)}{also}.", tuple(filter(None, more))


def not_ended(run: Run, tree: Tree) -> list[int]:
    """The lineages whose training has no result yet."""
    settled = set(run.outcomes.loc[run.outcomes["status"].isin(SETTLED), "trial_id"])
    every = [TWIN, *(edit.lineage for edit in tree.edits)]
    return [lineage for lineage in every if tree.trial_of(lineage) not in settled]


def resumed(run: Run) -> str:
    """What to do about trainings that have not ended; a run that is still written has a note."""
    if run.note:
        return "They are being trained: ask again once the run has ended."
    return f"`caviar panda --resume {run.where}` trains on until every effect is known."


def _why_not(run: Run, tree: Tree, lineages: Sequence[int]) -> str:
    """Why there is no number at the end."""
    left = [n for n in lineages if n in not_ended(run, tree)]
    if not left:
        trials = {tree.trial_of(number) for number in lineages}
        whole = run.outcomes.loc[run.outcomes["status"] == "completed", "trial_id"]
        lost = trials <= set(whole)
        why = "its readings at the end are lost" if lost else "every seed diverged on one side"
        return f"not known, since {why}"
    names = ["the training without edits" if n == TWIN else f"that with edit {n}" for n in left]
    have = "has" if len(left) == 1 else "have"
    return f"not known yet, since {' and '.join(names)} {have} not ended"


def points(row: Row) -> str:
    """`+0.84 [0.26, 1.6] points` of accuracy, in percent."""
    scaled = {name: 100 * row[name] for name in ("mean", "low", "high")}
    return with_interval(scaled, " points", signed=True, beside=(0.0,))


def verdict_on(row: Row) -> str:
    """`lower, -0.021 [-0.03, -0.012] nats`, and how many seeds are left out."""
    out = f", without {row['left_out']} that diverged" if row["left_out"] else ""
    if pd.isna(row["mean"]):
        return "not known, since every seed diverged on one side"
    difference = with_interval(row, " nats", signed=True, beside=BOUNDS)
    if pd.isna(row["low"]):
        return f"{difference}{out}"
    if row["low"] > -MARGIN and row["high"] < MARGIN:
        return f"within the {MARGIN:g} nats that count, {difference}{out}"
    if row["high"] < 0:
        return f"lower, {difference}{out}"
    if row["low"] > 0:
        return f"higher, {difference}{out}"
    return f"not decided, {difference}{out}"


def _at_end(run: Run, tree: Tree, edit: Edit, effects: pd.DataFrame) -> str:
    row = _row(effects, EDIT, edit.lineage, "loss")
    says = _why_not(run, tree, (edit.lineage, edit.parent)) if row is None else verdict_on(row)
    running = _row(effects, EDIT, edit.lineage, "loss", "running")
    if row is not None and running is not None and _is_the_same(row):
        says = f"the same weights, and with the running average {verdict_on(running)}"
    return f"edit {edit.lineage} ({edit.shown} after update {edit.step:,}): {says}"


def _is_the_same(row: Row) -> bool:
    """Whether training went on as before in every seed: an edit of averages is in none of it."""
    if pd.isna(row["low"]):  # Too few seeds for an interval: losses cancel out by no chance.
        return bool(row["quantity"] == "loss" and row["mean"] == 0)
    return bool(row["mean"] == row["low"] == row["high"] == 0)


def _listed(
    effects: pd.DataFrame,
    words: str,
    when: str,
    statistics: str,
    quantity: str,
    split: str = "test",
) -> str:
    """One quantity of every edit, each with its interval; empty where none was read."""
    rows = effects[
        (effects["kind"] == EDIT)
        & (effects["when"] == when)
        & (effects["split"] == split)
        & (effects["statistics"] == statistics)
        & (effects["quantity"] == quantity)
    ].to_dict("records")
    rows = [row for row in rows if not _is_the_same(row)]
    if not rows:
        return ""
    shown = points if quantity == "accuracy" else _in_nats
    each = [f"edit {row['lineage']} {shown(row)}" for row in rows[:MOST]]
    return f"{words}: {'; '.join(each)}{_further(len(rows))}."


def _in_nats(row: Row) -> str:
    return with_interval(row, " nats", signed=True, beside=BOUNDS)


def _row(
    effects: pd.DataFrame, kind: str, lineage: int, quantity: str, statistics: str = "population"
) -> Row | None:
    """The test row of a contrast at the end, or None."""
    rows = effects[
        (effects["kind"] == kind)
        & (effects["lineage"] == lineage)
        & (effects["when"] == AT_END)
        & (effects["split"] == "test")
        & (effects["statistics"] == statistics)
        & (effects["quantity"] == quantity)
    ].to_dict("records")
    return rows[0] if rows else None


def _in_order(tree: Tree) -> list[Edit]:
    """The edits of the last training first, then those that were undone or left aside."""
    return [*tree.chain, *(edit for edit in tree.edits if edit not in tree.chain)]


def _numbered(edits: Sequence[Edit]) -> str:
    numbers = [str(edit.lineage) for edit in edits]
    if len(numbers) == 1:
        return f"Edit {numbers[0]}"
    return f"Edits {', '.join(numbers[:-1])} and {numbers[-1]}"


def _further(count: int) -> str:
    return f"; {count - MOST} more in the table" if count > MOST else ""


def _seeds(effects: pd.DataFrame) -> str:
    if effects.empty:
        return ""
    most = int((effects["units"] + effects["left_out"]).max())
    return f" over {most:,} seed{'s' * (most != 1)}"

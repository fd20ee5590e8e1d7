"""What a training that was edited while it ran says: answers, and the tables behind them."""

from __future__ import annotations

from caviar.analysis.interventions.effects import effects_of_edits
from caviar.analysis.interventions.sections import sections
from caviar.analysis.interventions.told import not_ended, one_by_one, together
from caviar.analysis.interventions.tree import Tree, counted, tree_of
from caviar.analysis.models.model_results import ModelAnswer, ModelResults
from caviar.analysis.run.read import Run

CAREFUL = (
    "an edit that was chosen by looking at these curves was chosen on these seeds, which no "
    "interval here allows for, and each interval is for one edit alone. Fresh seeds are the test."
)

COUNTED = {0: "not edited", 1: "edited once", 2: "edited twice"}


def edited_results(run: Run) -> ModelResults:
    """The answers of an edited training; `run` is read with its edited trainings."""
    tree, effects = tree_of(run), effects_of_edits(run)
    each = ModelAnswer(
        "What did each edit do?", *one_by_one(run, tree, effects), "effects_of_edits"
    )
    every = ModelAnswer("And all of them together?", *together(run, tree, effects))
    return ModelResults(
        run=run,
        opening=_opening(run, tree),
        answers=(each, every) if len(tree.edits) > 1 else (each,),
        careful=CAREFUL,
        following=_next(run, tree),
        tables=sections(run, tree, effects),
    )


def _opening(run: Run, tree: Tree) -> str:
    trial = run.trials.iloc[0]
    seeds, edits = len(trial["seeds"]), len(tree.edits)
    times = {0: "not edited", 1: "edited once", 2: "edited twice"}.get(
        edits, f"edited {edits} times"
    )
    return (
        f"{run.name} on {trial['dataset']}: a training of {int(trial['steps']):,} updates and "
        f"{seeds} {'seed' if seeds == 1 else 'seeds'}, {times} while it ran, beside its twin "
        f"without edits; {counted(run.interventions)}."
    )


def _next(run: Run, tree: Tree) -> str:
    if not_ended(run, tree) and run.note:
        return f"caviar report {run.where}, once the run has ended."
    if not_ended(run, tree):
        return f"caviar panda --resume {run.where}"
    if not tree.chain:
        return f"caviar panda --resume {run.where}, and make an edit."
    return (
        f"caviar export {run.where} --schedule > edited.toml, then caviar run edited.toml: the "
        "same edits against none, on fresh seeds."
    )

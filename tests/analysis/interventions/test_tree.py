from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from caviar.analysis.interventions.tree import counted, in_short, tree_of
from tests.analysis.interventions.made import TWIN, Made, panda, trial_of

RATE, RESET = "learning_rate = 0.03", "reset dense2"


def test_the_chain_leads_from_the_twin_to_what_was_current_at_the_end() -> None:
    tree = tree_of(
        panda([Made(0, 20, RATE), Made(1, 40, RESET, "why"), Made(1, 60, "decay = 0.9")])
    )
    assert tree.twin == TWIN == tree.trial_of(0)
    assert [(e.lineage, e.parent, e.step, e.change) for e in tree.edits] == [
        (1, 0, 20, RATE),
        (2, 1, 40, RESET),
        (3, 1, 60, "decay = 0.9"),
    ]
    assert tree.edits[1].note == "why" and tree.trial_of(2) == trial_of(2)
    assert tree.last == 3 and [edit.lineage for edit in tree.chain] == [1, 3]
    with pytest.raises(KeyError):
        tree.trial_of(4)


def test_what_was_undone_is_in_no_chain() -> None:
    tree = tree_of(panda([Made(0, 20, RATE), Made(1, 40, RESET)], moved_to=1))
    assert tree.last == 1 and [edit.lineage for edit in tree.chain] == [1]
    back = tree_of(panda([Made(0, 20, RATE)], moved_to=0))
    assert (back.last, back.chain, len(back.edits)) == (0, (), 1)


def test_requests_that_were_refused_start_nothing() -> None:
    tree = tree_of(panda([], refused=2))
    assert (tree.edits, tree.chain, tree.last, tree.twin) == ((), (), 0, TWIN)
    run = panda([Made(0, 20, RATE), Made(1, 40, RESET)])
    second = run.interventions["child"] == 2
    asked = run.interventions.assign(accepted=~second)
    tree = tree_of(replace(run, interventions=asked))
    assert [edit.lineage for edit in tree.edits] == [1] and tree.last == 1


def test_several_fields_in_one_request_are_one_edit() -> None:
    run = panda([Made(0, 20, RATE)])
    second = run.interventions.assign(change="20: momentum = 0.5", field="momentum")
    both = pd.concat([run.interventions, second])
    (edit,) = tree_of(replace(run, interventions=both)).edits
    assert edit.change == f"{RATE} and momentum = 0.5" and counted(both) == (1, 0)


def test_a_change_is_shown_with_four_digits() -> None:
    (edit,) = tree_of(panda([Made(0, 20, "learning_rate = 2.33718010523436")])).edits
    assert edit.shown == "learning_rate = 2.337"
    assert (
        in_short("norm_batch_size = 128; decay = 1e-07") == "norm_batch_size = 128; decay = 1e-07"
    )
    assert in_short("reset dense2") == "reset dense2"

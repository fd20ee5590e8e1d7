"""Decisions are rows: who asked, of which lineage, what it does and why not."""

from __future__ import annotations

from caviar.runner.panda.decide import Asked, unread
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def test_a_factor_is_of_the_value_in_force() -> None:
    panda = Driven(PLAN)
    rate = PLAN.trials[0].learning_rate
    assert panda.ask("set learning_rate*=0.5 --at 10").rows[0].new == f"{rate * 0.5:.12g}"
    (row,) = panda.ask("set learning_rate*=0.5 --at 20").rows
    assert (row.old, row.new) == (f"{rate * 0.5:.12g}", f"{rate * 0.25:.12g}")
    assert row.change == f"20: learning_rate = {rate * 0.25:.12g}"
    refused = panda.ask("set norm_batch_size*=2 --at 24")
    assert "which no factor changes" in refused.says


def test_several_fields_are_one_lineage_with_a_row_for_each() -> None:
    panda = Driven(PLAN)
    decision = panda.ask("set momentum=0.5 decay=0.95 --at 10 --note slow")
    assert [(row.field, row.child, row.number) for row in decision.rows] == [
        ("momentum", 1, 0),
        ("decay", 1, 0),
    ]
    assert {row.child_trial_id for row in decision.rows} == {panda.worker.tree.now.trial_id}
    assert panda.worker.tree.now.change == "10: momentum = 0.5; decay = 0.95"
    assert {row.note for row in decision.rows} == {"slow"}
    none = panda.ask("set momentum=0.4 decay=2 --at 12")
    assert not none.accepted
    assert len(panda.worker.tree.lineages) == 2


def test_the_same_change_of_the_same_lineage_is_selected_not_made_again() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 10")
    panda.ask("undo")
    again = panda.ask("set momentum=0.5 --at 10")
    assert again.says == "that was done before, in lineage 1; select 1 goes on with it"
    assert panda.ask("select 1").accepted
    assert panda.worker.tree.current == 1


def test_a_change_that_waits_is_not_overtaken() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 50")
    refused = panda.ask("set decay=0.95 --at 20")
    assert "a change waits for the end of step 50 (50: momentum = 0.5); undo it" in refused.says
    assert "did you mean 'decay'?" in panda.ask("set decoy=0.95 --at 20").says
    assert "momentum must be a number; got 'low'" in panda.ask("set momentum=low --at 20").says
    assert panda.ask("undo").accepted
    assert panda.ask("set decay=0.95 --at 20").accepted


def test_a_snapshot_before_a_waiting_change_is_of_the_parent() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 50")
    (row,) = panda.ask("snapshot a --at 20").rows
    assert (row.lineage, row.step) == (0, 20)
    assert (
        panda.ask("snapshot a --at 30").says
        == "there is a snapshot 'a', of lineage 0 after step 20; take another name"
    )
    assert "no snapshot 'b'; allowed are 20, a" in panda.ask("rewind b").says
    panda.to_the_end()
    assert panda.ask("rewind 20").rows[0].step == 20


def test_what_is_no_request_is_a_row_too() -> None:
    tree = Driven(PLAN).worker.tree
    row = unread(" rewnd  home", "unknown", Asked("ana", "now", 5), tree, 17)
    assert (row.what, row.new, row.accepted, row.note) == ("rewnd", "home", False, "unknown")
    assert (row.number, row.step, row.asked_step, row.child) == (5, 17, 17, -1)


def test_a_factor_gives_a_value_that_can_be_read() -> None:
    driven = Driven(plan_of_one("learning_rate=0.05"))
    assert driven.ask("set learning_rate*=3").says.startswith("learning_rate 0.05 → 0.15,")

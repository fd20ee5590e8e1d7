"""Lineages: each is a plain trial of its config, bit for bit, whatever was asked in which order."""

from __future__ import annotations

import pytest

from caviar.runner.panda.training.messages import Birth, Shot
from caviar.runner.trial.events import Outcome
from tests.runner.panda.pandas import Driven, plain_rows, plan_of_one

PLAN = plan_of_one()


def edited() -> Driven:
    """Changes of every kind, a fork, two rewinds and what was taken back."""
    panda = Driven(PLAN)
    panda.ask("pause --at 30")
    panda.rest()
    panda.ask("snapshot a")
    panda.ask("set learning_rate*=0.5")
    panda.ask("go")
    panda.ask("pause --at 50")
    panda.rest()
    panda.ask("reset dense1")
    panda.ask("fork")
    panda.ask("recompute --at 55")
    panda.ask("set momentum=0.5 decay=0.5 --at 55")
    panda.ask("go")
    panda.ask("pause --at 60")
    panda.rest()
    panda.ask("rewind a")
    panda.ask("set dropout=0.1")
    panda.ask("undo")
    panda.ask("set schedule=constant")
    panda.to_the_end()
    return panda


@pytest.fixture(scope="module")
def panda() -> Driven:
    return edited()


def test_every_lineage_has_the_rows_of_a_plain_trial_of_its_config(panda: Driven) -> None:
    tree = panda.worker.tree
    assert [lineage.parent for lineage in tree.lineages] == [-1, 0, 1, 2, 3, 0, 0]
    for lineage in tree.lineages:
        plain = plain_rows(lineage.config, PLAN, after=lineage.born)
        assert panda.rows_of(lineage.trial_id) == plain, lineage.change


def test_the_twin_is_never_edited(panda: Driven) -> None:
    assert panda.worker.tree.lineages[0].config == PLAN.trials[0]


def test_parked_lineages_are_trained_to_their_end(panda: Driven) -> None:
    outcomes = [event for event in panda.events if isinstance(event, Outcome)]
    assert sorted(o.trial_id for o in outcomes) == sorted(
        lineage.trial_id for lineage in panda.worker.tree.lineages
    )
    assert {outcome.status for outcome in outcomes} == {"completed"}
    assert len([event for event in panda.events if isinstance(event, Birth)]) == 6
    assert [event.name for event in panda.events if isinstance(event, Shot)] == ["a"]


def test_a_lineage_and_its_parent_are_read_after_the_same_steps(panda: Driven) -> None:
    for lineage in panda.worker.tree.lineages[1:]:
        mine = [reading.step for reading in panda.readings_of(lineage.number)]
        theirs = [reading.step for reading in panda.readings_of(lineage.parent)]
        assert mine == [step for step in theirs if step > lineage.born]
        assert {lineage.born + 6, 120} <= set(mine)


def test_the_same_rows_come_of_the_journal_alone(panda: Driven) -> None:
    again = Driven(PLAN, panda.rows)
    again.to_the_end()
    for lineage in panda.worker.tree.lineages:
        assert again.rows_of(lineage.trial_id) == panda.rows_of(lineage.trial_id)
        assert str(again.readings_of(lineage.number)) == str(panda.readings_of(lineage.number))


def test_before_the_first_edit_only_the_twin_is_trained() -> None:
    panda = Driven(PLAN)
    panda.ask("pause --at 20")
    status = panda.rest()
    assert [standing.step for standing in status.standing] == [20]


def test_twin_and_current_advance_side_by_side() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 10")
    panda.ask("pause --at 40")
    status = panda.rest()
    assert [standing.step for standing in status.standing] == [40, 40]
    panda.ask("step 3")
    status = panda.rest()
    assert [standing.step for standing in status.standing] == [43, 43]
    assert (status.step, status.paused) == (43, True)


def test_a_pace_is_kept_and_changes_no_row() -> None:
    panda = Driven(PLAN)
    panda.ask("pace 1000")
    status = panda.rest()
    assert status.pace == 1000 and status.ended
    assert panda.rows_of(PLAN.trials[0].trial_id) == plain_rows(PLAN.trials[0], PLAN)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("set learning_rte=0.1", "did you mean 'learning_rate'?"),
        ("set batch_size=8", "'batch_size' cannot be set while training"),
        ("set learning_rate=-1", "learning_rate must be greater than 0"),
        ("set momentum=0.9", "momentum is 0.9 already"),
        ("set norm_batch_size=8 --at 31", "at the end of an epoch only"),
        ("set schedule=cosinus", "schedule"),
        ("reset dense9", "has no layer 'dense9'"),
        ("rewind nowhere", "no snapshot to rewind to"),
        ("undo", "there is nothing to undo"),
        ("select 3", "there is no lineage 3, only the twin (0)"),
        ("fork", "the twin always goes on"),
        ("set momentum=0.5 --at 10", "step 10 is past"),
        ("set momentum=0.5 --at 120", "the trial ends after step 120"),
        ("pause --at 5", "step 5 is past"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(text: str, sentence: str) -> None:
    panda = Driven(PLAN)
    panda.ask("pause --at 20")
    before = panda.rest()
    decision = panda.ask(text)
    assert not decision.accepted
    assert sentence in decision.says
    assert decision.rows[0].note == decision.says
    assert panda.advance() == before
    assert len(panda.worker.tree.lineages) == 1


def test_an_edit_of_a_training_that_has_ended_is_refused_until_a_rewind() -> None:
    panda = Driven(PLAN)
    panda.ask("snapshot half --at 60")
    panda.to_the_end()
    assert "this training has ended" in panda.ask("set momentum=0.5").says
    assert panda.ask("rewind half").accepted
    assert panda.ask("set momentum=0.5").rows[0].step == 60
    status = panda.to_the_end()
    assert [standing.step for standing in status.standing] == [120, 120]


def test_the_size_changes_at_the_next_end_of_an_epoch() -> None:
    panda = Driven(PLAN)
    panda.ask("pause --at 20")
    panda.rest()
    decision = panda.ask("set norm_batch_size=8")
    assert decision.rows[0].step == 24
    assert panda.rest().step == 20  # Paused, before the change.
    panda.to_the_end()
    child = panda.worker.tree.lineages[1]
    assert panda.rows_of(child.trial_id) == plain_rows(child.config, PLAN, after=24)

"""The lesson leads from task to task, and Enter never does the wrong thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from caviar.runner.cli.panda.screen.lesson.chapters import Chapter, Task
from caviar.runner.cli.panda.screen.lesson.claims import Claim
from caviar.runner.cli.panda.screen.lesson.guide import END, ENTER, Guide
from caviar.runner.panda.view import View
from tests.runner.cli.panda.screen.made import STEPS, MadePanda


class Noting(MadePanda):
    """Notes who asked, and whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def after(step: int, *, holds: bool = True) -> Callable[[View], Claim | None]:
    return lambda v: Claim(holds, "2 > 1.") if v.lineages[v.current].step >= step else None


RAISE = Task("Raise it.", "set learning_rate*=2", "learning_rate", after(200), 120)
LOOK = Task("Look.", "", "learning_rate", after(400, holds=False))
CHAPTERS = (Chapter("1 of 2", (), 4.0, 80, (RAISE, LOOK)), Chapter("2 of 2", (), 4.0, 80, (RAISE,)))


def begun(_: Chapter) -> Noting:
    return Noting()


@pytest.fixture
def guide() -> Guide:
    return Guide(CHAPTERS, begun)


def made(guide: Guide) -> Noting:
    assert isinstance(guide.panda, Noting)
    return guide.panda


def told(guide: Guide) -> tuple[str, str | None]:
    lesson = guide.lesson(guide.view())
    return lesson.says[-1], lesson.claim


def test_enter_edits_trains_on_and_then_waits_for_the_numbers(guide: Guide) -> None:
    panda = made(guide)
    panda.advance(80)
    assert told(guide) == ("Enter does it: set learning_rate*=2", None)
    assert guide.request_of("enter", guide.view()) == ENTER
    guide.ask(ENTER, "screen")
    assert panda.asked == ["step 80", "set learning_rate*=2", "step 120"]
    assert {line.asked_by for line in panda.log} == {"lesson"}
    assert told(guide) == ("Wait for the numbers.", None)


def test_a_claim_keeps_the_numbers_by_which_it_was_decided(guide: Guide) -> None:
    panda = made(guide)
    panda.advance(80)
    guide.ask("set learning_rate=1", "screen")  # The user's own hand does as well.
    panda.advance(120)
    assert told(guide) == ("Enter goes on.", "Shown: 2 > 1.")
    panda.ask("undo", "screen")
    assert told(guide) == ("Enter goes on.", "Shown: 2 > 1.")


def test_a_claim_that_the_numbers_deny_is_denied(guide: Guide) -> None:
    panda = made(guide)
    panda.advance(80)
    guide.ask(ENTER, "screen")
    panda.advance(120)
    guide.ask(ENTER, "screen")
    assert guide.task is LOOK and panda.asked[-1] == "go"
    assert told(guide) == ("Wait for the numbers.", None)
    panda.advance(200)
    assert told(guide) == ("Enter goes on.", "The numbers do not show it: 2 > 1.")


def test_the_next_chapter_ends_one_training_and_starts_another(guide: Guide) -> None:
    first = made(guide)
    first.advance(80)
    for steps in (120, 200, 0):
        guide.ask(ENTER, "screen")
        first.advance(steps)
    second = made(guide)
    assert first.closed and second is not first
    assert guide.lesson(guide.view()).says[0] == "2 of 2"
    assert told(guide)[1] is None


def test_after_the_last_task_enter_only_says_that_it_is_over() -> None:
    guide = Guide(CHAPTERS[1:], begun)
    made(guide).advance(80)
    guide.ask(ENTER, "screen")
    made(guide).advance(120)
    assert told(guide) == (END, "Shown: 2 > 1.")
    assert guide.ask(ENTER, "screen").says == END


def test_a_training_that_ended_before_the_edit_begins_again() -> None:
    never = replace(RAISE, claim=lambda _: None)
    guide = Guide((replace(CHAPTERS[0], tasks=(never,)),), begun)
    made(guide).advance(STEPS)
    assert told(guide)[0] == "The training is over. Enter begins it again."
    ended = made(guide)
    guide.ask(ENTER, "screen")
    assert ended.closed and made(guide) is not ended


def test_a_pause_in_between_is_left_with_enter(guide: Guide) -> None:
    panda = made(guide)
    panda.advance(80)
    guide.ask(ENTER, "screen")
    guide.ask("pause", "screen")
    assert told(guide)[0] == "Paused: Enter trains on."
    guide.ask(ENTER, "screen")
    assert not panda.paused

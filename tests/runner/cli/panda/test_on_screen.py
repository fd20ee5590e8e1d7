"""The screen on a real panda, the lesson on its real trainings, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from caviar.runner.cli.panda.on_screen import LEAST_SECONDS, must_be_a_lesson
from caviar.runner.cli.panda.screen.app import PandaApp
from caviar.runner.cli.panda.screen.lesson.chapters import CHAPTERS, STUDY, Chapter
from caviar.runner.cli.panda.screen.lesson.guide import END, ENTER, Guide
from caviar.runner.cli.panda.screen.plain import OfPanda
from caviar.runner.cli.panda.screen.signs import Signs
from caviar.runner.errors import RequestError
from caviar.runner.panda.session import Session
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import study_from_text
from tests.runner.cli.panda.screen.snapshots import screen_text
from tests.runner.helpers import caviar
from tests.runner.panda.live import HOW, live, until
from tests.runner.panda.pandas import plan_of_one


def test_a_real_panda_is_edited_with_a_key(tmp_path: Path) -> None:
    async def edit(session: Session) -> str:
        app = PandaApp(OfPanda(session), Signs(True))
        async with app.run_test(size=(140, 45)) as pilot:
            await pilot.press("l")
            await asyncio.to_thread(until, lambda: len(session.view().lineages) == 2)
            await pilot.press("space")
            await asyncio.to_thread(until, lambda: session.view().ended)
            app.redraw()
            await pilot.pause()
            return screen_text(app)

    with live(plan_of_one("replicas=5"), tmp_path / "run", HOW._replace(stays=True)) as session:
        text = asyncio.run(edit(session))
    assert text.startswith("quickstart: wine, 6, batch norm, m = 4")
    assert "step 120 of 120" in text and "The panda" in text and "at step 120" in text
    assert "learning_rate" in text and "(screen)" in text


@pytest.mark.slow
def test_the_lesson_shows_all_that_it_claims(tmp_path: Path) -> None:
    """On its real trainings, at full speed: Enter alone leads to the end of it."""
    count = 0
    sessions = []

    def opened(chapter: Chapter) -> Session:
        nonlocal count
        count += 1
        plan = make_plan(study_from_text(STUDY, chapter.settings))
        context = live(plan, tmp_path / str(count), HOW._replace(stays=True))
        sessions.append(context)
        return context.__enter__()

    guide, claims = Guide(CHAPTERS, opened), []

    def is_decided() -> bool:
        view = guide.view()
        if guide.lesson(view).claim is None and view.paused:
            assert guide.ask(ENTER, "screen").accepted
        return guide.lesson(view).claim is not None

    try:
        for _ in range(sum(len(chapter.tasks) for chapter in CHAPTERS)):
            until(is_decided, 300)
            claims.append(guide.lesson(guide.view()).claim)
            told = guide.ask(ENTER, "screen").says
    finally:
        for context in sessions:
            context.__exit__(None, None, None)
    assert told == END and count == len(CHAPTERS)
    assert [claim for claim in claims if not str(claim).startswith("Shown: ")] == []


def test_a_training_on_a_screen_lasts_two_minutes_unless_a_pace_is_given() -> None:
    assert HOW._replace(least_seconds=LEAST_SECONDS).pace_of(2400) == 20
    assert HOW._replace(least_seconds=LEAST_SECONDS, pace=5.0).pace_of(2400) == 5
    assert HOW.pace_of(2400) is None


def test_a_lesson_that_is_not_there_names_the_nearest() -> None:
    must_be_a_lesson("batch-norm", [None, [], None, False])
    with pytest.raises(RequestError, match="did you mean 'batch-norm'"):
        must_be_a_lesson("batchnorm", [])
    with pytest.raises(RequestError, match="brings its own trainings"):
        must_be_a_lesson("batch-norm", [Path("study.toml"), []])


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    for words in ([], ["--lesson", "batch-norm"]):
        done = caviar("panda", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert "no terminal" in done.stderr and "--no-screen" in done.stderr
    assert not list(tmp_path.iterdir())

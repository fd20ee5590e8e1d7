"""A panda on a screen, and the lesson: what is opened for them, and how they end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from caviar.runner.cli.carry_out import leave
from caviar.runner.cli.panda.conduct import How, begun, free_folder, in_a_thread
from caviar.runner.errors import RequestError, nearest, shown

if TYPE_CHECKING:
    from caviar.runner.cli.panda.screen.lesson.chapters import Chapter
    from caviar.runner.panda.session import Session

LEAST_SECONDS = 120.0
"""How long a training on a screen lasts at least, if no pace is asked for: a second is too short
to see anything."""

LESSONS = ("batch-norm",)


def on_screen(
    session_of: Callable[[How], AbstractContextManager[Session]], how: How
) -> tuple[Session, bool]:
    """Show a panda until its user leaves; the session, which has ended, and whether a signal ended
    it."""
    from caviar.runner.cli.panda.screen.plain import OfPanda
    from caviar.runner.cli.panda.screen.show import must_be_a_terminal, show
    from caviar.runner.session.interrupt import Interrupt

    must_be_a_terminal(os.environ)
    with Interrupt(leave) as interrupt:
        with session_of(how._replace(least_seconds=LEAST_SECONDS, stays=True)) as session:
            interrupt.install()  # Again: ray.init() installs its own handlers.
            with in_a_thread(session):
                show(OfPanda(session), interrupt.asked)
        return session, interrupt.asked()


def must_be_a_lesson(name: str, others: Sequence[object]) -> None:
    """Raise RequestError for a lesson that is not there, or one with a study of its own."""
    if name not in LESSONS:
        raise RequestError(f"there is no lesson {shown(name)}; {nearest(name, LESSONS)}")
    if any(others):
        raise RequestError(
            "--lesson brings its own trainings; leave out the study and what changes it"
        )


def lesson(out: str | None, how: How) -> tuple[str, bool]:
    """Give the lesson on batch norm; the folder with its trainings, and whether a signal ended
    it."""
    from caviar.runner.cli.panda.screen.lesson.chapters import CHAPTERS, STUDY
    from caviar.runner.cli.panda.screen.lesson.guide import Guide
    from caviar.runner.cli.panda.screen.show import must_be_a_terminal, show
    from caviar.runner.session.interrupt import Interrupt
    from caviar.runner.study.plan import make_plan
    from caviar.runner.study.study_file import study_from_text

    must_be_a_terminal(os.environ)
    root, places = out or free_folder("lesson-batch-norm"), iter(range(1, 10**6))
    with Interrupt(leave) as interrupt, ExitStack() as stack:

        def opened(chapter: Chapter) -> Session:
            plan = make_plan(study_from_text(STUDY, chapter.settings))
            paced = how._replace(pace=chapter.pace, paused=True, stays=True)
            session = stack.enter_context(begun(plan, None, f"{root}/{next(places)}", paced))
            return stack.enter_context(in_a_thread(session))

        show(Guide(CHAPTERS, opened), interrupt.asked)
        return root, interrupt.asked()

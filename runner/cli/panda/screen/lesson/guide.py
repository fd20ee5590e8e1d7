"""The lesson as the screen's source: one training after the other, and what is told beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caviar.runner.cli.panda.screen.frame import Lesson
from caviar.runner.cli.panda.screen.keys import request_of
from caviar.runner.cli.panda.screen.lesson.chapters import Chapter, Task
from caviar.runner.cli.panda.screen.lesson.claims import Claim
from caviar.runner.cli.panda.screen.lesson.measured import edit_of
from caviar.runner.panda.requests import Answer
from caviar.runner.panda.view import Panda, View

ENTER = "enter"
"""The key that does what a lesson says, and goes on."""

WHO = "lesson"

END = "That was the lesson; q quits. Its trainings are kept."

OVER = "The training is over. Enter begins it again."


class Guide:
    """Leads through chapters. `opened` gives the training of one, paused before its first step; it
    may take seconds and is called where a request is asked, off the screen's thread.

    A claim that was decided once is told with the numbers of that moment: those on the screen move
    on.
    """

    def __init__(self, chapters: Sequence[Chapter], opened: Callable[[Chapter], Panda]) -> None:
        self._chapters, self._opened = chapters, opened
        self._chapter, self._task = 0, 0
        self._claim: Claim | None = None
        self.panda = self._begun(chapters[0])

    def _begun(self, chapter: Chapter) -> Panda:
        panda = self._opened(chapter)
        panda.ask(f"step {chapter.begins}", WHO)
        return panda

    @property
    def task(self) -> Task:
        """What is to be done now."""
        return self._chapters[self._chapter].tasks[self._task]

    def view(self) -> View:
        """What the present training shows."""
        return self.panda.view()

    def request_of(self, key: str, view: View) -> str | None:
        """What a key asks; Enter asks the lesson itself."""
        return ENTER if key == ENTER else request_of(key, view)

    def ask(self, text: str, who: str) -> Answer:
        """Ask the training; Enter does what the task says, or goes on once its claim is decided."""
        if text != ENTER:
            return self.panda.ask(text, who)
        view = self.view()
        if self._decided(view) is not None:
            return self._went_on(view)
        if self._is_done(view):
            return self.panda.ask("go", WHO)
        if view.lineages[view.current].step == view.steps:
            return self._began(self._chapter)
        return self._edited()

    def _edited(self) -> Answer:
        """Do what the task says, train on so that its effect is seen, and pause."""
        answer = self.panda.ask(self.task.request, WHO)
        if answer.accepted:
            reads = self.task.reads
            self.panda.ask("go" if reads is None else f"step {reads}", WHO)
        return answer

    def lesson(self, view: View) -> Lesson:
        """What is told now."""
        chapter, claim = self._chapters[self._chapter], self._decided(view)
        return Lesson((chapter.title, self.task.says, self._next(view)), claim and told(claim))

    def _next(self, view: View) -> str:
        """What Enter does now."""
        if self._claim is not None:
            return END if self._is_last() else "Enter goes on."
        if self._is_done(view):
            return "Paused: Enter trains on." if view.paused else "Wait for the numbers."
        if view.lineages[view.current].step == view.steps:
            return OVER
        return f"Enter does it: {self.task.request}"

    def close(self) -> None:
        """End the present training."""
        self.panda.close()

    def _is_done(self, view: View) -> bool:
        return edit_of(view, self.task.done) is not None

    def _is_last(self) -> bool:
        tasks = self._chapters[self._chapter].tasks
        return self._chapter == len(self._chapters) - 1 and self._task == len(tasks) - 1

    def _decided(self, view: View) -> Claim | None:
        if self._claim is None:
            self._claim = self.task.claim(view)
        return self._claim

    def _went_on(self, view: View) -> Answer:
        if self._is_last():
            return self._says(view, END)
        if self._task + 1 < len(self._chapters[self._chapter].tasks):
            self._task, self._claim = self._task + 1, None
            return (
                self._says(view, self._next(view))
                if self.task.request
                else self.panda.ask("go", WHO)
            )
        return self._began(self._chapter + 1)

    def _began(self, chapter: int) -> Answer:
        """Begin a chapter; the screen shows the last view of the one before until it is there."""
        self.panda.close()
        self.panda = self._begun(self._chapters[chapter])
        self._chapter, self._task, self._claim = chapter, 0, None
        return self._says(self.view(), self._chapters[chapter].title)

    def _says(self, view: View, text: str) -> Answer:
        return Answer(True, text, view.lineages[view.current].step, view.current)


def told(claim: Claim) -> str:
    """A claim in words: shown, or not."""
    return f"{'Shown' if claim.holds else 'The numbers do not show it'}: {claim.says}"

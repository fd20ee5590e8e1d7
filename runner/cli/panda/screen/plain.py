"""Where the screen gets what it shows, and a panda without a lesson as such a source."""

from __future__ import annotations

from typing import Protocol

from caviar.runner.cli.panda.screen.frame import Lesson
from caviar.runner.cli.panda.screen.keys import request_of
from caviar.runner.panda.requests import Answer
from caviar.runner.panda.view import Panda, View


class Source(Protocol):
    """Where the screen gets what it shows: a panda, or a lesson that has one after the other."""

    def view(self) -> View: ...

    def ask(self, text: str, who: str) -> Answer: ...

    def lesson(self, view: View) -> Lesson | None: ...

    def request_of(self, key: str, view: View) -> str | None: ...


class OfPanda:
    """What keys ask goes to the one panda there is."""

    def __init__(self, panda: Panda) -> None:
        self._panda = panda

    def view(self) -> View:
        return self._panda.view()

    def ask(self, text: str, who: str) -> Answer:
        return self._panda.ask(text, who)

    def lesson(self, view: View) -> Lesson | None:
        return None

    def request_of(self, key: str, view: View) -> str | None:
        return request_of(key, view)

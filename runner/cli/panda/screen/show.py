"""The screen on a terminal: whether there is one, and the program until it is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from caviar.runner.cli.panda.screen.app import PandaApp
from caviar.runner.cli.panda.screen.plain import Source
from caviar.runner.cli.panda.screen.signs import signs_of
from caviar.runner.errors import RequestError

WITHOUT = "add --no-screen, and steer the training with: caviar control RUN REQUEST"


def must_be_a_terminal(environment: Mapping[str, str]) -> None:
    """Raise RequestError where there is no terminal that a screen can be drawn on.

    Keys are read from standard input and the screen is drawn on standard error, so that standard
    output may go to a file.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise RequestError(f"there is no terminal for the screen; {WITHOUT}")
    if environment.get("TERM", "dumb") in ("dumb", ""):
        raise RequestError(
            f"this terminal cannot place text (TERM={environment.get('TERM', '')!r}); {WITHOUT}"
        )


def show(source: Source, stop: Callable[[], bool]) -> None:
    """Show the screen until the user leaves it or `stop` says so; raises the error that ended the
    panda, if one did."""
    # Textual takes their word over the terminal's, and would never notice that a window changes.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    app = PandaApp(source, signs_of(os.environ), stop)
    app.run()
    if app.failure is not None:
        raise app.failure

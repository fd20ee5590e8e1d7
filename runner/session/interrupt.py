"""Ctrl-C and SIGTERM as a question that the loop answers between two events."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """The first signal asks to stop, the second stops at once.

    An exception out of nowhere could strike between a file's rename and the driver's knowing of
    it, and the rows would be written twice; a flag cannot. The second signal calls `at_once`,
    which does not return: files are whole or not there at any instant.

    At the end of the `with` block the handlers of before are back. Signals reach the main thread
    alone: in any other nothing is installed, and its owner decides what a signal does.
    """

    def __init__(self, at_once: Callable[[], object]) -> None:
        self._asked = False
        self._at_once = at_once
        self._main = threading.current_thread() is threading.main_thread()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if self._main:
            # A handler that was not installed from Python cannot be put back: None.
            handlers = ((number, signal.getsignal(number)) for number in SIGNALS)
            self._before = {number: handler or signal.SIG_DFL for number, handler in handlers}
        self.install()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def asked(self) -> bool:
        """Whether a signal has asked to stop."""
        return self._asked

    def install(self) -> None:
        """Take over both signals; once more after `ray.init`, which takes them for itself."""
        for number in SIGNALS if self._main else ():
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            self._at_once()
        self._asked = True

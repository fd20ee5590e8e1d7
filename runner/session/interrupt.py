"""Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 as a flag that the loop checks between two events.

Before and after the loop they end the command at once, with a word and the same exit code.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""Ctrl-C, a request to end, a terminal that hangs up, and Slurm's word that the time is over."""


class Interrupt:
    """The first signal asks to stop, the second stops at once.

    An exception could strike between the rename of a file and the driver's record of it, and the
    rows would be written twice; a flag avoids this. The second signal calls `at_once`, which does
    not return: at any instant a file is complete or does not exist.

    The `with` block restores the previous handlers when it ends. Signals reach only the main
    thread: in any other, nothing is installed, and its owner decides what a signal does.
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

    def ask_at_once(self) -> None:
        """Let the first signal do what the second one does."""
        self._asked = True

    def asked(self) -> bool:
        """Whether a signal has asked to stop."""
        return self._asked

    def install(self) -> None:
        """Handle the signals; call it again after `ray.init`, which installs its own handlers.

        A hang-up that is ignored stays ignored: that is what `nohup` asks for.
        """
        for number in SIGNALS if self._main else ():
            if number != signal.SIGHUP or self._before[number] != signal.SIG_IGN:
                signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            self._at_once()
        self._asked = True


class StoppedError(Exception):
    """A signal that came while no trial was under way. Exit code 130."""


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Raise StoppedError at a signal, wherever no `Interrupt` handles it within this block."""
    with Interrupt(_stop) as interrupt:
        interrupt.ask_at_once()
        yield


def _stop() -> None:
    raise StoppedError

"""Ctrl-C and SIGTERM as a question that the loop answers between two events."""

from __future__ import annotations

import os
import signal
from typing import Any

EXIT_CODE = 130


class Interrupt:
    """The first signal asks to stop, the second stops at once.

    An exception out of nowhere could strike between a file's rename and the driver's knowing of
    it, and the rows would be written twice; a flag cannot. The second signal ends the process
    without another word: files are whole or not there at any instant.
    """

    def __init__(self) -> None:
        self.asked = False

    def install(self) -> None:
        """Take over both signals; once more after `ray.init`, which takes them for itself."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def release(self) -> None:
        """Give both signals their usual meaning back: no loop is left to ask."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _receive(self, number: int, frame: Any) -> None:
        if self.asked:
            os._exit(EXIT_CODE)
        self.asked = True

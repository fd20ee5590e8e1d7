"""Standard output that its reader may close at any time, and that may lack signs."""

from __future__ import annotations

import codecs
import io
import os
from contextlib import suppress
from typing import TextIO

CLOSED = "the output was closed; what was measured is on disk; the same command resumes"

REPLACED = "caviar.replaced"
"""The error handler for signs that an encoding lacks: a minus must not become `?`."""
IN_ASCII = {"−": "-", "–": "-", "·": "|", "…": "...", "×": "x", "→": "->", "±": "+-", "∞": "inf"}


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(IN_ASCII.get(sign, "?") for sign in signs), error.end


codecs.register_error(REPLACED, _replaced)


class Output(io.TextIOBase, TextIO):
    """Passes text on until the stream fails, as behind `| head` or in a terminal that hung up.

    Then `lost` is true, and further text goes nowhere. Signs that the stream's encoding lacks are
    replaced.
    """

    def __init__(self, stream: TextIO) -> None:
        self.lost = False
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        """A notebook says that it is a terminal, and moves no cursor."""
        of_notebook = type(self._stream).__module__.startswith("ipykernel.")
        return self._stream.isatty() and not of_notebook

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> int:
        if not self.lost:
            try:
                self._stream.write(_writable(text, self._stream.encoding))
            except OSError:
                self._lose()
        return len(text)

    def flush(self) -> None:
        if not self.lost:
            try:
                self._stream.flush()
            except OSError:
                self._lose()

    def announce(self, text: str) -> None:
        """Write the lines before a run; a reader that is gone by then (`| head -1`) stops it only
        at its next words."""
        with suppress(OSError):
            print(_writable(text, self._stream.encoding), file=self._stream, flush=True)

    def _lose(self) -> None:
        self.lost = True
        silence(self._stream)


def _writable(text: str, encoding: str | None) -> str:
    if not encoding:  # A stream of text alone.
        return text
    return text.encode(encoding, REPLACED).decode(encoding)


def silence(stream: TextIO) -> None:
    """Send what a failed stream still holds, and all that follows, nowhere."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # No file behind it: nothing is left to fail.
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)

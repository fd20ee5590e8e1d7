"""The two exceptions that end a command with a sentence: a wrong request, a place that fails."""

from __future__ import annotations

import difflib
import itertools
import reprlib
import tempfile
import traceback
from collections.abc import Iterable

LONGEST = 1000
"""Characters of a sentence; what quotes more than a screen is cut in its middle."""

FEW = 40
"""Allowed words that are still listed."""


class RequestError(Exception):
    """A user's mistake; the message is one sentence in the user's words. Exit code 2.

    What the sentence quotes may be anything: it becomes one line without control characters.

    >>> caviar.read_study({"name": "x", "dataset": "wine", "replcias": 3})
    Traceback (most recent call last):
    ...
    RequestError: unknown key 'replcias' in the study; did you mean 'replicas'?
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


def one_line(text: str) -> str:
    """The text as one line that a terminal shows as it is, its middle left out if it is long."""
    return _cut(printable(" ".join(text.replace("\t", " ").splitlines())))


def printable(text: str) -> str:
    """The text with what a terminal would obey, or not show, escaped; lines stay lines."""
    return "".join(
        c if c.isprintable() or c in "\n\t\u00a0\u202f" else ascii(c)[1:-1] for c in text
    )


def _cut(text: str, longest: int = LONGEST) -> str:
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]} … {text[-longest // 2 :]}"


class StorageError(Exception):
    """A place failed that rows are read from or written to; one sentence. Exit code 1.

    >>> issubclass(caviar.StorageError, Exception)
    True
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


class InternalError(Exception):
    """A fault of caviar itself, whose traceback lies in a file that the sentence names. Exit
    code 1."""

    def __init__(self, doing: str, error: Exception) -> None:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="caviar-traceback-", suffix=".txt", delete=False
        ) as file:
            file.write("".join(traceback.format_exception(error)))
        super().__init__(
            one_line(
                f"{doing} failed by a fault of caviar's own ({type(error).__name__}: {error}); the "
                f"traceback is in {file.name}: please send it with what `caviar doctor` prints"
            )
        )


class AllDivergedError(Exception):
    """Every seed of a run diverged: there is a page, and no answer. Exit code 1."""


def unwritten_report(where: str, error: OSError) -> StorageError:
    """What to say where a report could not be written."""
    return StorageError(
        f"cannot write the report of {where!r}: {error.strerror or error}; the rows are whole, and "
        f"`caviar report {where}` writes it once there is room"
    )


def nearest(given: str, allowed: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest allowed word, or the list of all of them."""
    allowed = sorted(allowed)
    few = [word for word in itertools.islice(allowed, LONGEST) if len(word) <= LONGEST]
    close = difflib.get_close_matches(given[:LONGEST], few, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(allowed) - FEW} more" if len(allowed) > FEW else ""
    return f"allowed are {', '.join(map(_short, allowed[:FEW]))}{more}"


def _short(word: str) -> str:
    return _cut(word, 60)


class _Shown(reprlib.Repr):
    """Short, whatever it is given: nested lists, long texts, integers without end."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 4, 12, 12, 12
        self.maxstring, self.maxother, self.maxlong = 200, 200, 60

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if abs(x) < 10**40 else "an integer of more than 40 digits"


_SHOWN = _Shown()


def shown(value: object) -> str:
    """A value of the user's as a sentence quotes it, never longer than a line or two."""
    return _SHOWN.repr(value)

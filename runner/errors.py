"""The two exceptions that end a command with a sentence: for a wrong request and for failing
storage."""

from __future__ import annotations

import difflib
import itertools
import reprlib
import tempfile
import traceback
from collections.abc import Iterable

LONGEST = 1000
"""The longest sentence, in characters; the middle of a longer one is left out."""

FEW = 40
"""At most this many allowed words are listed."""


class RequestError(Exception):
    """A user's mistake; the message is one sentence in the user's words. Exit code 2.

    The sentence may quote anything: it becomes one line without control characters.

    >>> caviar.read_study({"name": "x", "dataset": "wine", "replcias": 3})
    Traceback (most recent call last):
    ...
    RequestError: unknown key 'replcias' in the study; did you mean 'replicas'?
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


def one_line(text: str) -> str:
    """The text as one line without control characters, its middle left out if it is long."""
    return _cut(printable(" ".join(text.replace("\t", " ").splitlines())))


def printable(text: str) -> str:
    """The text with control and invisible characters escaped, except line breaks and tabs."""
    return "".join(
        c if c.isprintable() or c in "\n\t\u00a0\u202f" else ascii(c)[1:-1] for c in text
    )


def _cut(text: str, longest: int = LONGEST) -> str:
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]} … {text[-longest // 2 :]}"


class StorageError(Exception):
    """Storage that rows are read from or written to failed; one sentence. Exit code 1.

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


class WorkersError(Exception):
    """No worker can start, whatever the trial; one sentence. Exit code 1."""

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


class AllDivergedError(Exception):
    """Every seed of a run diverged: there is a page, and no answer. Exit code 1."""


def unwritten_report(where: str, error: OSError) -> StorageError:
    """The error for a report that could not be written."""
    return StorageError(
        f"cannot write the report of {where!r}: {error.strerror or error}; the rows are complete, "
        f"and `caviar report {where}` writes it once there is room, or `--out PLACE` elsewhere"
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
    """A short text for any value: nested lists, long texts, huge integers."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 4, 12, 12, 12
        self.maxstring, self.maxother, self.maxlong = 200, 200, 60

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if abs(x) < 10**40 else "an integer of more than 40 digits"


_SHOWN = _Shown()


def shown(value: object) -> str:
    """A user's value in the form that a sentence quotes, never longer than a line or two."""
    return _SHOWN.repr(value)

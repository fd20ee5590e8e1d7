"""The two exceptions that end a command with a sentence: a wrong request, a place that fails."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RequestError(Exception):
    """A user's mistake; the message is one sentence in the user's words. Exit code 2."""


class StorageError(Exception):
    """A place failed that rows are read from or written to; one sentence. Exit code 1."""


def nearest(given: str, allowed: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest allowed word, or the list of all of them."""
    allowed = sorted(allowed)
    close = difflib.get_close_matches(given, allowed, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(allowed)}"

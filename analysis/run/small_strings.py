"""How the texts of small tables are held: as Python's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

MANY_ROWS = 1_000_000
"""From here on Arrow holds texts in less memory and compares them faster."""

USUAL = pd.get_option("mode.string_storage")
"""How pandas holds texts elsewhere."""


@contextmanager
def small_strings() -> Iterator[None]:
    """Within it, pandas makes columns of text that hold Python's strings, not Arrow's.

    They are of the same type, `str`, with the same values. Arrow has a fixed price per call, some
    tens of microseconds, which adds up where a table has hundreds of rows; the names of columns
    are such texts, too.
    """
    with pd.option_context("mode.string_storage", "python"):
        yield


@contextmanager
def strings_of(rows: int) -> Iterator[None]:
    """Within it, pandas holds texts as suits a table of so many rows."""
    with pd.option_context("mode.string_storage", "python" if rows < MANY_ROWS else USUAL):
        yield

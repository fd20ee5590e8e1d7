"""How the texts of small tables are held: as Python's own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

import pandas as pd

MANY_ROWS = 1_000_000
"""From here on Arrow holds texts in less memory and compares them faster."""


def small_strings() -> AbstractContextManager[None]:
    """Within it, pandas makes columns of text that hold Python's strings, not Arrow's.

    They are of the same type, `str`, with the same values. Arrow has a fixed price per call, some
    tens of microseconds, which adds up where a table has hundreds of rows.
    """
    return cast("AbstractContextManager[None]", pd.option_context("mode.string_storage", "python"))

"""pandas takes as long to import as all else before a first trial: it comes with the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoPandas(MetaPathFinder):
    """Refuses to import pandas, and leaves all else to the other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ImportError("pandas comes later")
        return None


def pandas_later() -> None:
    """Let Arrow do without pandas until it is asked for a data frame.

    With its first array Arrow imports pandas, only to know a Series where it is given one, which
    a run never does. Where that import fails, Arrow tries again when it is to make a data frame.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    refusing = _NoPandas()
    sys.meta_path.insert(0, refusing)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(refusing)

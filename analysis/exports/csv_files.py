"""A run as CSV files: every table as `read_run` gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.read import TABLES, Run


def write_csv(run: Run, folder: Path) -> int:
    """Write `TABLE.csv` for every table that has rows; lists become JSON. Returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {name: getattr(run, name) for name in TABLES}
    whole = {name: frame for name, frame in tables.items() if len(frame)}
    for name, frame in whole.items():
        _flat(frame).to_csv(folder / f"{name}.csv", index=False)
    return len(whole)


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its lists as texts."""
    lists = [
        name
        for name in frame.columns
        if frame[name].dtype == object and frame[name].map(_is_list).any()
    ]
    return frame.assign(**{name: frame[name].map(_text) for name in lists})


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)


def _text(value: Any) -> Any:
    return json.dumps(np.asarray(value).tolist()) if _is_list(value) else value

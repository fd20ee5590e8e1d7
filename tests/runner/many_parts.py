"""Tables of many part files, which a compaction makes few."""

from __future__ import annotations

from collections.abc import Iterable

from caviar.runner.store.part_files import write_part
from caviar.runner.store.sink import to_table
from caviar.runner.store.storage import Storage
from tests.faults.program import SMALL
from tests.runner.helpers import block

MANY = (*SMALL, "budget={ steps = 8 }", "evaluations=4", "curve_rows=8", "log_probabilities=true")
"""A study of two trials; `run_at_every_step` writes each of its blocks to a part of its own."""


def in_parts(storage: Storage, trials: Iterable[str]) -> None:
    """Three rows of `curves` per trial, in a part file of its own."""
    for trial in trials:
        write_part(storage, "curves", to_table(block(trial_id=trial)))

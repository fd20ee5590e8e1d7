"""The edited trainings of a panda's run, for those who look at any run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq

from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import part_names, readable
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import joined
from caviar.runner.verify.findings import Findings

PANDA = "panda"
"""Key of `study.json` with the trial that may be edited while it trains; no other run has it."""

LINEAGES = "lineages"
"""The folder in which edited trainings have tables of their own."""

EDITS = "interventions"
"""The table of what was asked, with the edit that began each of them."""


def lineages_of(storage: Storage, study: Mapping[str, Any]) -> Storage | None:
    """Where the edited trainings of a run lie; None in a run of any other kind.

    `study` is the content of `study.json`.
    """
    return storage_at(joined(storage.where, LINEAGES)) if PANDA in study else None


def resumed(storage: Storage) -> str:
    """The command that trains all of them to the end."""
    return f"`caviar panda --resume {storage.where}`"


def check_edits(run: Storage, planned: Iterable[str], findings: Findings) -> None:
    """Find edited trainings whose edit is lost: a report would take it for none."""
    begun: set[str] = set()
    try:
        for name in part_names(run, EDITS):
            with readable(run, EDITS, name), run.open(f"{EDITS}/{name}") as file:
                rows = pq.read_table(file, columns=["child_trial_id", "accepted"]).to_pylist()
            begun |= {row["child_trial_id"] for row in rows if row["accepted"]}
    except RequestError as error:
        findings.fault(str(error))
        return
    lost = sum(trial not in begun for trial in planned)
    if lost:
        findings.fault(f"`{EDITS}` has no row of the edit that began {lost} of them")

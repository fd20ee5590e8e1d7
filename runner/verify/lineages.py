"""The edited trainings of a panda's run, for those who look at any run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

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

READINGS = "readings"
"""The table of their losses while they were trained."""


def lineages_of(storage: Storage, study: Mapping[str, Any]) -> Storage | None:
    """Where the edited trainings of a run lie; None in a run of any other kind.

    `study` is the content of `study.json`.
    """
    return storage_at(joined(storage.where, LINEAGES)) if PANDA in study else None


def resumed(storage: Storage) -> str:
    """The command that trains all of them to the end."""
    return f"`caviar panda --resume {storage.where}`"


class Edit(NamedTuple):
    """Which training an edit began, from which one, and at the end of which step."""

    child: str
    parent: str
    step: int


def check_edits(run: Storage, planned: Iterable[str], findings: Findings) -> list[Edit]:
    """The edits that are kept; finds edited trainings whose edit is lost, which a report would take
    for none."""
    try:
        rows = _rows(run, EDITS, ["child_trial_id", "trial_id", "step", "accepted", "change"])
    except RequestError as error:
        findings.fault(str(error))
        return []
    edits = [
        Edit(row["child_trial_id"], row["trial_id"], row["step"])
        for row in rows
        if row["accepted"] and row["change"]
    ]
    begun = {edit.child for edit in edits}
    lost = sum(trial not in begun for trial in planned)
    if lost:
        findings.fault(f"`{EDITS}` has no row of the edit that began {lost} of them")
    return edits


def check_readings(storage: Storage, edits: Sequence[Edit], findings: Findings) -> None:
    """Find lost readings where all trainings have ended: an edited one and the one that it began
    from are read at the same steps from its edit on."""
    read: dict[str, set[int]] = defaultdict(set)
    try:
        for row in _rows(storage, READINGS, ["trial_id", "step"]):
            read[row["trial_id"]].add(row["step"])
    except RequestError as error:
        findings.fault(str(error))
        return
    for edit in dict.fromkeys(edits):
        later = {step for step in read[edit.parent] if step > edit.step}
        differ = later ^ read[edit.child]
        if differ or not later:
            lost = f"{len(differ) or 'all'} step{'s' * (len(differ) != 1)}"
            findings.fault(
                f"`{READINGS}` lacks {lost} of the training {edit.child}, or of {edit.parent}, "
                "from which it began"
            )


def _rows(storage: Storage, table: str, columns: list[str]) -> list[dict[str, Any]]:
    """Some columns of a table that only a panda has; raises RequestError for a damaged part."""
    rows: list[dict[str, Any]] = []
    for name in part_names(storage, table):
        with readable(storage, table, name), storage.open(f"{table}/{name}") as file:
            rows += pq.read_table(file, columns=columns).to_pylist()
    return rows

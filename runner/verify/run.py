"""Proof that a run is complete and undamaged: each promise about its rows is checked."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from caviar.runner.errors import RequestError
from caviar.runner.session.registration import followed
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.part_files import over_parts, read_rows
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import SETTLED
from caviar.runner.verify.checkpoints import check_checkpoints
from caviar.runner.verify.findings import Findings
from caviar.runner.verify.lineages import (
    check_edits,
    check_readings,
    lineages_of,
    resumed,
)
from caviar.runner.verify.rows import check_rows


def latest_outcomes(storage: Storage) -> dict[str, dict[str, Any]]:
    """The outcome that counts for each trial: that of its last attempt."""
    names = ["trial_id", "attempt", "status", "rows", "seconds", "kernel", "blas_threads"]
    names += ["host", "error", "path", "steps"]
    columns = read_rows(storage, "outcomes", names)
    latest: dict[str, dict[str, Any]] = {}
    for row in zip(*(columns[name] for name in names), strict=True):
        outcome = dict(zip(names, row, strict=True))
        if outcome["attempt"] >= latest.get(outcome["trial_id"], {"attempt": -1})["attempt"]:
            latest[outcome["trial_id"]] = outcome
    return latest


def must_be_tried(storage: Storage) -> None:
    """Raise RequestError if a place is not a run, or if some of its trials were not yet tried."""
    read_study_json(storage)
    planned = len(read_rows(storage, "trials", ["trial_id"])["trial_id"])
    left = planned - len(latest_outcomes(storage))
    if left:
        raise RequestError(
            f"{storage.where!r} is not finished: {left} of {planned} trials are not "
            "yet tried; the same `caviar run` command resumes it"
        )


def verify_run(storage: Storage, claims: str | None = None) -> Findings:
    """Check study, files, plan, outcomes, rows and checkpoints against each other; raises
    RequestError if the place is not a run.

    `claims` is the hash of the claims that a registered run is held to; None checks the run alone.
    """
    findings = Findings()
    study = read_study_json(storage)
    if not _files(storage, findings):
        return findings
    planned = read_rows(storage, "trials", ["trial_id", "seeds"])
    seeds = dict(zip(planned["trial_id"], planned["seeds"], strict=True))
    findings.check(
        len(seeds) == len(planned["trial_id"]),
        f"{len(seeds)} trials planned, each once",
        "a trial is planned twice",
    )
    missing = study.get("trials", 0) - len(seeds)
    findings.check(
        missing <= 0,
        f"study.json and the table agree on {len(seeds)} trials",
        f"{missing} of the trials that study.json counts are not in the table of trials",
    )
    outcomes = latest_outcomes(storage)
    _outcomes(storage, seeds, outcomes, findings)
    _kernels(outcomes, findings)
    kernels = {session.get("kernel") or session.get("blas") for session in study["sessions"]}
    check_rows(storage, seeds, outcomes, findings, len(kernels))
    check_checkpoints(storage, seeds, outcomes, findings)
    settled = sum(outcome["status"] in SETTLED for outcome in outcomes.values())
    for holds, good, fault in followed(study, settled, claims):
        findings.check(holds, good, fault)
    edited = lineages_of(storage, study)
    if edited is not None:
        _edited(storage, edited, len(kernels), findings)
    return findings


def _edited(run: Storage, storage: Storage, kernels: int, findings: Findings) -> None:
    """Check the rows of edited trainings in the same way, and that the run has their edits."""
    inner = Findings()
    if _files(storage, inner):
        planned = read_rows(storage, "trials", ["trial_id", "seeds"])
        seeds = dict(zip(planned["trial_id"], planned["seeds"], strict=True))
        outcomes = latest_outcomes(storage)
        check_rows(storage, seeds, outcomes, inner, kernels)
        edits = check_edits(run, seeds, inner)
        left = sum(trial not in outcomes for trial in seeds)
        if not left and latest_outcomes(run):
            check_readings(storage, edits, inner)
        have = "has" if left == 1 else "have"
        trains = f"; {left} {have} not ended, and {resumed(run)} trains on" if left else ""
        if not inner.faults:
            findings.good(
                f"{len(seeds)} edited training{'s' * (len(seeds) != 1)} beside it, no row lost, "
                "duplicate or unplanned"
                f"{trains}"
            )
    for line in inner.lines:
        if line.startswith("FAULT"):
            findings.fault(f"edited trainings: {line.split(maxsplit=1)[1]}")


def _files(storage: Storage, findings: Findings) -> bool:
    """Check that every part can be read to its last row, and has its table's columns."""
    faults: list[str] = []
    parts = 0
    for table in SCHEMAS:
        # One at a time, which bounds the memory.
        checked = over_parts(storage, table, partial(_fault, storage, table), at_once=1)
        parts += len(checked)
        faults += [fault for fault in checked if fault]
    for fault in faults:
        findings.fault(fault)
    if not faults:
        findings.good(f"{parts} part files, all complete and with their tables' columns")
    return not faults


def _fault(storage: Storage, table: str, part: str) -> str:
    """What is wrong with a part file; empty if nothing is."""
    name = f"{table}/{part}"
    try:
        with storage.open(name) as file:
            columns = pq.read_table(file, page_checksum_verification=True).schema
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"{name} cannot be read: {reason}"
    # Schemas grow: a run lacks the columns that were declared after it was made.
    if any(field not in list(SCHEMAS[table]) for field in columns):
        return f"{name} has columns that its table does not declare"
    return ""


def _outcomes(
    storage: Storage,
    seeds: dict[str, list[int]],
    outcomes: dict[str, dict[str, Any]],
    findings: Findings,
) -> None:
    missing = [trial for trial in seeds if trial not in outcomes]
    findings.check(
        not missing,
        "every trial has an outcome",
        f"{len(missing)} trials have no outcome yet, the first is {missing[0] if missing else ''}",
    )
    early = sum(outcome["status"] == "stopped" for outcome in outcomes.values())
    if early:
        findings.good(f"{early} trials were stopped early by the median rule; their rows are kept")
    bad = [trial for trial, outcome in outcomes.items() if outcome["status"] not in SETTLED]
    findings.check(
        not bad,
        "no trial failed or was lost",
        f"{len(bad)} trials failed or were lost, the first is {bad[0] if bad else ''}",
    )
    unknown = [trial for trial in outcomes if trial not in seeds]
    findings.check(
        not unknown,
        "no outcomes of unplanned trials",
        f"{len(unknown)} outcomes of unplanned trials",
    )
    named = read_rows(storage, "outcomes", ["trial_id", "attempt"])
    twice = [key for key, n in Counter(zip(*named.values(), strict=True)).items() if n > 1]
    findings.check(not twice, "one outcome per attempt", f"{len(twice)} attempts have two outcomes")


def _kernels(outcomes: dict[str, dict[str, Any]], findings: Findings) -> None:
    """Which kernels computed the trials, where there were several."""
    kernels = Counter(o["kernel"] for o in outcomes.values() if o["kernel"])
    if len(kernels) > 1:
        each = "; ".join(f"{n} on {kernel}" for kernel, n in sorted(kernels.items()))
        findings.good(f"trials of several kernels, which differ in their last digits: {each}")

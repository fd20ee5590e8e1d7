"""Proof that a run is complete and whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runner.errors import RequestError
from runner.events import SETTLED
from runner.place import read_study_json
from runner.sink import read_rows
from runner.tables import ROW_TABLES, SCHEMAS

KEYS = {
    "curves": ["trial_id", "attempt", "seed", "step"],
    "evaluations": [
        *("trial_id", "attempt", "seed", "step"),
        *("split", "statistics", "tracker", "norm_batch_size"),
    ],
    "statistics": ["trial_id", "attempt", "seed", "step", "layer", "tracker"],
    "noise": ["trial_id", "attempt", "seed", "step", "layer", "norm_batch_size"],
    "predictions": ["trial_id", "attempt", "seed", "step", "statistics", "example"],
}


@dataclass
class Findings:
    """What was looked at, and the faults among it."""

    lines: list[str] = field(default_factory=list)
    faults: int = 0

    def good(self, text: str) -> None:
        self.lines.append(f"ok     {text}")

    def fault(self, text: str) -> None:
        self.lines.append(f"FAULT  {text}")
        self.faults += 1

    def check(self, holds: bool, good: str, fault: str) -> None:
        if holds:
            self.good(good)
        else:
            self.fault(fault)


def latest_outcomes(root: Path) -> dict[str, dict[str, Any]]:
    """The outcome that counts for each trial: that of its last attempt."""
    names = ["trial_id", "attempt", "status", "rows"]
    columns = read_rows(root, "outcomes", names)
    found: dict[str, dict[str, Any]] = {}
    for row in zip(*(columns[name] for name in names), strict=True):
        outcome = dict(zip(names, row, strict=True))
        if outcome["attempt"] >= found.get(outcome["trial_id"], {"attempt": -1})["attempt"]:
            found[outcome["trial_id"]] = outcome
    return found


def status_line(root: Path) -> str:
    """`14 of 21 trials done: 13 completed, 1 diverged; 0 failed, 0 lost`."""
    name = read_study_json(root)["study"]["name"]
    planned = len(read_rows(root, "trials", ["trial_id"])["trial_id"])
    counts = Counter(outcome["status"] for outcome in latest_outcomes(root).values())
    done = sum(counts[status] for status in SETTLED)
    return (
        f"{name}: {done} of {planned} trials done: {counts['completed']} completed, "
        f"{counts['diverged']} diverged; {counts['failed']} failed, {counts['lost']} lost, "
        f"{planned - sum(counts.values())} not yet tried"
    )


def must_be_tried(root: Path) -> None:
    """Raise RequestError where a folder is no run, or some of its trials were not tried yet."""
    read_study_json(root)
    planned = len(read_rows(root, "trials", ["trial_id"])["trial_id"])
    left = planned - len(latest_outcomes(root))
    if left:
        raise RequestError(
            f"{str(root)!r} is not finished: {left} of {planned} trials are not yet tried; "
            "the same `caviar run` command resumes it"
        )


def verify_run(root: Path) -> Findings:
    """Check study, files, plan, outcomes and rows against each other; raises RequestError where
    the folder is not a run."""
    findings = Findings()
    study = read_study_json(root)
    if not _files(root, findings):
        return findings
    planned = read_rows(root, "trials", ["trial_id", "seeds"])
    seeds = dict(zip(planned["trial_id"], planned["seeds"], strict=True))
    findings.check(
        len(seeds) == len(planned["trial_id"]),
        f"{len(seeds)} trials planned, each once",
        "a trial is planned twice",
    )
    missing = study.get("trials", 0) - len(seeds)
    findings.check(
        missing <= 0,
        "as many as study.json says",
        f"{missing} of the trials that study.json counts are not in the table of trials",
    )
    outcomes = latest_outcomes(root)
    _outcomes(root, seeds, outcomes, findings)
    _rows(root, seeds, outcomes, findings)
    return findings


def _files(root: Path, findings: Findings) -> bool:
    parts = 0
    for table, schema in SCHEMAS.items():
        for part in sorted((root / table).glob("part-*.parquet")):
            parts += 1
            name = f"{table}/{part.name}"
            try:
                found = pq.read_table(part)
            except (pa.ArrowInvalid, OSError) as error:
                findings.fault(f"{name} cannot be read: {str(error).splitlines()[0]}")
                continue
            # A run made before a column was declared lacks it: schemas grow.
            if any(field not in list(schema) for field in found.schema):
                findings.fault(f"{name} has columns that its table does not declare")
    if not findings.faults:
        findings.good(f"{parts} part files, every one whole and of its table's columns")
    return not findings.faults


def _outcomes(
    root: Path,
    seeds: dict[str, list[int]],
    outcomes: dict[str, dict[str, Any]],
    findings: Findings,
) -> None:
    missing = [trial for trial in seeds if trial not in outcomes]
    findings.check(
        not missing,
        "every trial has an outcome",
        f"{len(missing)} trials have no outcome yet, {missing[0] if missing else ''} first",
    )
    bad = [trial for trial, outcome in outcomes.items() if outcome["status"] not in SETTLED]
    findings.check(
        not bad,
        "no trial failed or was lost",
        f"{len(bad)} trials failed or were lost, {bad[0] if bad else ''} first",
    )
    unknown = [trial for trial in outcomes if trial not in seeds]
    findings.check(
        not unknown, "no outcome without a plan", f"{len(unknown)} outcomes of unplanned trials"
    )
    named = read_rows(root, "outcomes", ["trial_id", "attempt"])
    twice = [key for key, n in Counter(zip(*named.values(), strict=True)).items() if n > 1]
    findings.check(not twice, "one outcome an attempt", f"{len(twice)} attempts ended twice")


def _rows(
    root: Path,
    seeds: dict[str, list[int]],
    outcomes: dict[str, dict[str, Any]],
    findings: Findings,
) -> None:
    counted: Counter[str] = Counter()
    superseded = orphans = duplicates = strangers = 0
    for table in ROW_TABLES:
        rows = read_rows(root, table, KEYS[table])
        seen = Counter(zip(*rows.values(), strict=True))
        for (trial, attempt, seed, *_), n in seen.items():
            if trial not in seeds:
                orphans += n
            elif attempt != outcomes.get(trial, {"attempt": None})["attempt"]:
                superseded += n
            else:
                counted[trial] += n
                duplicates += n - 1
                strangers += n * (seed not in seeds[trial])
    short = [
        trial
        for trial, outcome in outcomes.items()
        if outcome["status"] in SETTLED and counted[trial] != outcome["rows"]
    ]
    findings.check(
        not short,
        f"{sum(counted.values()):,} rows, as many as the outcomes say",
        f"{len(short)} trials have more or fewer rows than their outcome says, "
        f"{short[0] if short else ''} first",
    )
    findings.check(not duplicates, "no row twice", f"{duplicates} rows stand twice")
    findings.check(not orphans, "no rows without a plan", f"{orphans} rows of unplanned trials")
    findings.check(not strangers, "only planned seeds", f"{strangers} rows of unplanned seeds")
    if superseded:
        findings.good(f"{superseded:,} rows of given-up attempts, which readers leave out")

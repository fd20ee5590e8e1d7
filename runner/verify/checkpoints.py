"""Proof that a run's checkpoints can be gone on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.runner.store.checkpoints import ENDED, kept_trials, uncounted
from caviar.runner.store.storage import Storage
from caviar.runner.verify.findings import Findings


def check_checkpoints(
    storage: Storage,
    planned: Mapping[str, object],
    outcomes: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> None:
    """Each is of a planned trial, can be read, and has the rows before it; nothing is said where
    there are none."""
    kept = sorted(kept_trials(storage))
    if not kept:
        return
    strangers = [trial for trial in kept if trial not in planned]
    findings.check(
        not strangers,
        "no checkpoint without a plan",
        f"{len(strangers)} checkpoints of unplanned trials",
    )
    ended = {trial for trial, outcome in outcomes.items() if outcome["status"] in ENDED}
    under_way = [trial for trial in kept if trial in planned and trial not in ended]
    reasons = uncounted(storage, under_way)
    trial, why = next(iter(reasons.items()), ("", ""))
    findings.check(
        not reasons,
        f"{len(under_way)} checkpoints that trials go on from, each with the rows before it",
        f"{len(reasons)} checkpoints do not count, that of {trial} first: {why}",
    )

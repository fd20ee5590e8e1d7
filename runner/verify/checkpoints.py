"""Proof that a run's checkpoints are resumable."""

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
    """Check that each is of a planned trial, readable, and has all rows before it; a run without
    checkpoints gets no line."""
    kept = sorted(kept_trials(storage))
    if not kept:
        return
    strangers = [trial for trial in kept if trial not in planned]
    findings.check(
        not strangers,
        "no checkpoints of unplanned trials",
        f"{len(strangers)} checkpoints of unplanned trials",
    )
    ended = {trial for trial, outcome in outcomes.items() if outcome["status"] in ENDED}
    under_way = [trial for trial in kept if trial in planned and trial not in ended]
    reasons = uncounted(storage, under_way)
    trial, why = next(iter(reasons.items()), ("", ""))
    findings.check(
        not reasons,
        f"{len(under_way)} resumable checkpoints, each with the rows before it",
        f"{len(reasons)} checkpoints are not resumable, first that of {trial}: {why}",
    )

"""Proof that a run's numbers depend on its study alone: its quickest trial, computed again."""

from __future__ import annotations

from caviar.runner.errors import RequestError
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import SETTLED
from caviar.runner.verify.findings import Findings
from caviar.runner.verify.replay import replay_trial
from caviar.runner.verify.run import latest_outcomes

LONGEST = 60.0
"""Seconds: a trial that took longer is not computed again by a verification."""


def check_bits(
    storage: Storage, findings: Findings, place: str | None = None, longest: float = LONGEST
) -> None:
    """Compute the quickest trial again if it took at most `longest` seconds, else say why not.

    `place`: where the data lie now, if they have moved; raises RequestError if they are others.
    """
    settled = {t: o for t, o in latest_outcomes(storage).items() if o["status"] in SETTLED}
    if not settled:
        return
    trial_id = min(settled, key=lambda trial: (settled[trial]["seconds"], trial))
    seconds = settled[trial_id]["seconds"]
    if seconds > longest:
        findings.aside(
            f"no trial was computed again: the quickest took {seconds:.0f} s; "
            f"run `caviar replay RUN {trial_id}` to do so"
        )
        return
    try:
        same, comparison = replay_trial(storage, trial_id, place)
    except RequestError as error:
        if place is not None:
            raise
        findings.aside(f"no trial was computed again: {error}")
        return
    findings.check(
        same, f"computed again, {comparison}", f"computed again, trial {trial_id}: {comparison}"
    )

"""What a study that stops trials does, in a sentence."""

from __future__ import annotations

from caviar.runner.session.stopping.waves import FIRST
from caviar.runner.study.measured_less import moments
from caviar.runner.study.plan import Plan


def stopping(plan: Plan) -> str:
    """Which trials may be stopped, and when; empty for a study that stops none.

    For a large plan this speaks of the sample of its trials.
    """
    if plan.study.stop is None:
        return ""
    before_the_end = max(moments(plan, trial) for trial in plan.sample) - 1
    if not before_the_end:
        return (
            "no trial measures its validation loss before its end, so that none can be stopped; "
            "raise evaluations or probe_share"
        )
    times = "once" if before_the_end == 1 else f"up to {before_the_end} times"
    return (
        f"draws 0 to {FIRST - 1} train to their end; the validation loss of each later trial is "
        f"looked at {times} before its end, and the trial is stopped where that is above the "
        "median of the trials drawn before; costs are told as if none were stopped"
    )

"""Measurements that a study asks for and that do not fit into the share of the time they have."""

from __future__ import annotations

from collections.abc import Sequence

from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import split_sizes
from caviar.runner.study.plan import Plan
from caviar.runner.trial.build import forward_examples
from caviar.runner.trial.measurement_schedule import Sizes, probes_of


def measured_less(plan: Plan) -> str:
    """At how many steps losses are measured, where a study asks for more; empty where it is kept.

    For a large plan this speaks of the sample of its trials.
    """
    study = plan.study
    tables = (study.fixed, study.scientific, study.nuisance, *study.arms.values())
    if not any("evaluations" in table for table in tables):
        return ""
    trials = plan.sample
    made = [moments(plan, trial) for trial in trials]
    short = [
        (trial.evaluations, count)
        for trial, count in zip(trials, made, strict=True)
        if count < min(trial.evaluations, trial.steps)
    ]
    if not short:
        return ""
    asked, counts = ([pair[i] for pair in short] for i in (0, 1))
    of_all = "all" if len(short) == len(trials) else f"{len(short):,} of {len(trials):,}"
    shares = ", ".join(f"{share:g}" for share in sorted({trial.probe_share for trial in trials}))
    return (
        f"{of_all} trials measure losses at {_range(counts)} of the {_range(asked)} steps that "
        f"evaluations asks for, since more would take above probe_share = {shares} of the time; "
        "raise probe_share to measure at all of them"
    )


def moments(plan: Plan, trial: TrialConfig) -> int:
    """At how many steps a trial measures its losses, the last one among them."""
    splits = split_sizes(trial.dataset, len(plan.data.labels), plan.data.given_test)
    sizes = Sizes(*splits, forward_examples(trial, splits[0]))
    return len(probes_of(trial, sizes).evaluation_steps)


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"

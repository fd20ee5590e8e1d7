"""Every trial, and how it ended."""

from __future__ import annotations

from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.tables.trials import trials_table

TRIALS = Finding(
    name="trials",
    part="run",
    compute=lambda results: trials_table(results.run),
    columns=(
        Column("trial_id", "text", "The name of the trial, a hash of its config."),
        Column("status", "text", "How the trial ended; `not yet tried` where it did not."),
        Column("seconds", "seconds", "How long a worker trained and measured it."),
        Column("steps", "updates", "How many updates it made."),
        Column("diverged_seeds", "count", "Seeds whose loss became infinite or NaN."),
        Column("error", "text", "What a failed trial raised; empty for the others."),
    ),
    fields="After `trial_id`, one column per config field that differs between trials; where the "
    "number of steps does, it is `steps_x`, and the number of updates made `steps_y`.",
    title="Every trial",
    says="The fields that differ between trials, and how each trial ended. A diverged trial is a "
    "result: its seeds with a finite loss count, and the others are counted as left out.",
)

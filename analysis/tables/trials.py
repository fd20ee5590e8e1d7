"""Every trial: what varied, and how it ended."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.run.read import Run


def trials_table(run: Run) -> pd.DataFrame:
    """One row per trial: what varied and how it ended."""
    varied = [
        c
        for c in run.trials.columns
        if c not in ("trial_id", "seeds") and run.trials[c].map(str).nunique() > 1
    ]
    ended = run.outcomes[["trial_id", "status", "seconds", "steps", "diverged_seeds", "error"]]
    table = run.trials[["trial_id", *varied]].merge(ended, on="trial_id", how="left")
    table["diverged_seeds"] = table["diverged_seeds"].map(
        lambda seeds: len(seeds) if isinstance(seeds, list | np.ndarray) else 0
    )
    return table.assign(status=table["status"].fillna("not yet tried"))

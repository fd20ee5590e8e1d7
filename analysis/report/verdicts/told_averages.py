"""What the running averages that are told add to test loss, and where that is significant."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.test_time.trackers import usual_tracker
from caviar.analysis.statistics.sign_flip import family_two_sided
from caviar.analysis.tables.estimates import SEED
from caviar.analysis.tables.running_statistics import damage_rows

PLACE = ["facet", "tracker_decay", "level"]
COLUMNS = [*PLACE, "mean", "low", "high", "units", "p_family"]


def told_averages(results: Results) -> pd.DataFrame:
    """Test loss under the usual rule less that under population statistics, by decay and level.

    The decays are the study's own and the longest other one; rows are those of `running_damage`
    at the reading that is told. `p_family` is that of sign flips over seeds, adjusted over the
    levels of a facet and decay (step-down max-t); NaN where nothing is paired.
    """
    damage = results.reading("running_damage")
    if damage.empty:
        return pd.DataFrame(columns=COLUMNS)
    usual = usual_tracker(results, damage).iloc[0]
    same = damage[damage["rule"] == usual["rule"]]
    others = same.loc[same["tracker_decay"] != usual["tracker_decay"], "tracker_decay"]
    decays = {usual["tracker_decay"], *([others.max()] if others.notna().any() else [])}
    told = same[same["tracker_decay"].isin(decays)]
    if not results.design.paired:
        return told.assign(p_family=np.nan)[COLUMNS].reset_index(drop=True)
    comparison = results.comparison
    rows = comparison.told_rows(damage_rows(comparison))
    rows = rows[(rows["rule"] == usual["rule"]) & np.isfinite(rows["damage"])]
    parts = [
        _adjusted(of_decay).assign(facet=facet, tracker_decay=decay)
        for (facet, decay), of_decay in rows.groupby(PLACE[:2], dropna=False)
    ]
    return told.merge(pd.concat(parts), how="left", on=PLACE)[COLUMNS]


def _adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """`p_family` by level, draws averaged within a seed."""
    wide = rows.groupby(["seed", "level"])["damage"].mean().unstack("level")
    p_values = family_two_sided(wide.to_numpy(float), np.random.default_rng(SEED))
    return pd.DataFrame({"level": wide.columns.to_numpy(float), "p_family": p_values})

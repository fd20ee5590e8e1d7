"""Each answer in one sentence: an effect, its interval, seeds and failures."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.number_format import with_interval
from caviar.analysis.report.answer import usual_tracker
from caviar.analysis.results import Findings


def headlines(found: Findings) -> tuple[str, str]:
    """The two sentences that a reader takes away; empty where there is nothing to compare."""
    return _regularisation(found), _test_time(found)


def _behind(found: Findings, units: int) -> str:
    assert found.design is not None
    counts = found.run.counts
    what = "seeds" if found.design.paired else "trials"
    ended = ", ".join(f"{counts[name]} {name}" for name in ("diverged", "failed", "lost"))
    return f"{units} {what}; {ended}"


def _regularisation(found: Findings) -> str:
    best, effects = found.table("best_size"), found.table("effect_of_size")
    if found.design is None or best.empty or best["facet"].nunique() > 1:
        return ""
    design, level = found.design, float(best["level"].iloc[0])
    rows = effects[effects["level"] == level].set_index("quantity")
    if rows.empty:
        return ""
    train, test = (rows.loc[quantity] for quantity in ("train_loss", "test_loss"))
    return (
        f"{design.symbol} = {level:g} against {design.symbol} = {design.reference:g}: test loss "
        f"{with_interval(test, signed=True)} nats, train loss {with_interval(train, signed=True)} "
        f"({_behind(found, int(test['units']))})."
    )


def _test_time(found: Findings) -> str:
    damage: pd.DataFrame = found.table("running_damage")
    if found.design is None or damage.empty or damage["facet"].nunique() > 1:
        return ""
    rows = usual_tracker(found, damage).sort_values("level")
    symbol = found.design.symbol
    ends = [
        f"{with_interval(row, signed=True)} nats at {symbol} = {row['level']:g}"
        for row in rows.iloc[[0, -1]].to_dict("records")
    ]
    units = int(rows["units"].min())
    return (
        "Running averages in place of population statistics change test loss by "
        f"{' and '.join(ends)} ({_behind(found, units)})."
    )

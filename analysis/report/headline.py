"""Each answer in one sentence: an effect, its interval, seeds and failures."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.number_format import with_interval
from caviar.analysis.report.answer import usual_tracker
from caviar.analysis.run.comparison import NoComparison


def headlines(results: Results | NoComparison) -> tuple[str, str]:
    """The two sentences that a reader takes away; empty where there is nothing to compare."""
    if isinstance(results, NoComparison):
        return "", ""
    return _regularisation(results), _test_time(results)


def _behind(results: Results, units: int) -> str:
    counts = results.run.counts
    what = "seeds" if results.design.paired else "trials"
    ended = ", ".join(f"{counts[name]} {name}" for name in ("diverged", "failed", "lost"))
    return f"{units} {what}; {ended}"


def _regularisation(results: Results) -> str:
    best, effects = results.reading("best_size"), results.reading("effect_of_size")
    if best.empty or best["facet"].nunique() > 1:
        return ""
    design, level = results.design, float(best["level"].iloc[0])
    rows = effects[effects["level"] == level].set_index("quantity")
    if rows.empty:
        return ""
    train, test = (rows.loc[quantity] for quantity in ("train_loss", "test_loss"))
    return (
        f"{design.symbol} = {level:g} against {design.symbol} = {design.reference:g}: test loss "
        f"{with_interval(test, signed=True)} nats, train loss {with_interval(train, signed=True)} "
        f"({_behind(results, int(test['units']))})."
    )


def _test_time(results: Results) -> str:
    damage: pd.DataFrame = results.reading("running_damage")
    if damage.empty or damage["facet"].nunique() > 1:
        return ""
    rows = usual_tracker(results, damage).sort_values("level")
    symbol = results.design.symbol
    ends = [
        f"{with_interval(row, signed=True)} nats at {symbol} = {row['level']:g}"
        for row in rows.iloc[[0, -1]].to_dict("records")
    ]
    units = int(rows["units"].min())
    return (
        "Running averages in place of population statistics change test loss by "
        f"{' and '.join(ends)} ({_behind(results, units)})."
    )

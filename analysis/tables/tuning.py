"""How the drawn fields change the loss, where the best draw lies, and how much draws differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import Design, planned_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import Interval, mean_interval
from caviar.analysis.tables.estimates import SEED, each_level_means

QUANTITIES = ("test_loss", "validation_loss")
FIRST = "learning_rate"
PLACE = ["quantity", "facet", "level"]
ESTIMATE = [*Interval._fields, "left_out", "best", "at_edge"]


def drawn_fields(run: Run) -> list[str]:
    """The fields that a study draws and that are numbers, the learning rate first."""
    drawn = [f for f in run.study["study"]["nuisance"] if run.trials[f].dtype.kind in "if"]
    return sorted(drawn, key=lambda field: field != FIRST)


def values_of_draws(run: Run, fields: list[str]) -> pd.DataFrame:
    """One row per draw and one column per drawn field: arms and sizes share the draws."""
    return run.trials.drop_duplicates("draw").set_index("draw")[fields].sort_index()


def fields_of(table: pd.DataFrame) -> list[str]:
    """The drawn fields that a table of `tuning` has."""
    return [name for name in table.columns if name not in {*PLACE, "draw", *ESTIMATE}]


def tuning(comparison: Comparison) -> pd.DataFrame:
    """Test and validation loss and test accuracy of every draw at every level, with intervals.

    `best` marks the draw that a level chooses (`draws.chosen_draws`, on validation), `at_edge`
    names the drawn fields in which a draw is the lowest or highest of all. Nothing is chosen in a
    plain random search. Empty with one draw.
    """
    run, design = comparison.run, comparison.design
    fields = [f for f in drawn_fields(run) if f not in (design.axis, *design.facets)]
    if run.trials["draw"].nunique() < 2 or not fields:
        return pd.DataFrame()
    values = comparison.final_values
    quantities = (*QUANTITIES, "test_accuracy")
    of_draw = {
        draw: each_level_means(rows, _of_draw(comparison, draw), quantities, [])
        for draw, rows in values.groupby("draw")
    }
    parts = [
        means[quantity].assign(quantity=quantity, draw=draw)
        for quantity in quantities
        for draw, means in of_draw.items()
    ]
    drawn = values_of_draws(run, fields)
    table = pd.concat(parts, ignore_index=True).merge(drawn, on="draw")
    place = ["facet", "level", "draw"]
    chosen = _choices(comparison)[place].drop_duplicates().assign(best=True)
    table = table.merge(chosen, on=place, how="left")
    table["best"] = table["best"].eq(True)
    table["at_edge"] = table["draw"].map(_edges(drawn))
    ordered = table.sort_values([*PLACE, *fields], ignore_index=True)
    return ordered[[*PLACE, "draw", *fields, *ESTIMATE]]


def tuning_spread(comparison: Comparison) -> pd.DataFrame:
    """How much draws differ at a level, and how much seeds differ within a draw.

    Standard deviations, `over` draws of the means over seeds, and `over` seeds about the mean
    of their draw; each the root of a mean of squares, whose interval is over draws or seeds.
    `left_out` counts measurements that are missing or not finite. Empty with one draw.
    """
    if comparison.run.trials["draw"].nunique() < 2:
        return pd.DataFrame()
    rows = []
    for (facet, level), arm in comparison.final_values.groupby(["facet", "level"]):
        for quantity in QUANTITIES:
            wide = arm.pivot_table(index="seed", columns="draw", values=quantity, dropna=False)
            finite = wide.where(np.isfinite(wide)).to_numpy(float)
            planned = comparison.design.planned.get((str(facet), float(level)), finite.size)
            left_out = max(planned - int(np.isfinite(finite).sum()), 0)
            for over, squares in (("draws", _over_draws(finite)), ("seeds", _over_seeds(finite))):
                place = {"quantity": quantity, "facet": facet, "level": level, "over": over}
                rows.append({**place, **_deviation(squares), "left_out": left_out})
    return pd.DataFrame(rows).sort_values([*PLACE, "over"], ignore_index=True)


def _of_draw(comparison: Comparison, draw: Any) -> Design:
    """The design of one draw alone, whose unit of replication is the seed."""
    run, design = comparison.run, comparison.design
    of_draw = replace(run, trials=run.trials[run.trials["draw"] == draw])
    return replace(design, unit="seed", planned=planned_of(of_draw, design))


def _choices(comparison: Comparison) -> pd.DataFrame:
    chosen = comparison.chosen_draws
    return chosen if comparison.design.paired else chosen.iloc[:0]


def _edges(drawn: pd.DataFrame) -> dict[Any, str]:
    """For every draw, the fields in which no draw lies below it or none above."""
    edge = (drawn == drawn.min()) | (drawn == drawn.max())
    return {draw: ", ".join(drawn.columns[edge.loc[draw]]) for draw in drawn.index}


def _over_draws(finite: NDArray[Any]) -> NDArray[Any]:
    """Squared deviations of the draws' means, `(draws,)`, whose mean is their variance."""
    means = np.array([column[np.isfinite(column)].mean() for column in _measured(finite)])
    return _squares(means)


def _over_seeds(finite: NDArray[Any]) -> NDArray[Any]:
    """Squared deviations from the mean of the draw, averaged over draws, `(seeds,)`."""
    squares = np.array([_squares(column) for column in _measured(finite)])
    by_seed = [column[np.isfinite(column)] for column in squares.T] if len(squares) else []
    return np.array([column.mean() for column in by_seed if len(column)])


def _measured(finite: NDArray[Any]) -> list[NDArray[Any]]:
    return [column for column in finite.T if np.isfinite(column).any()]


def _squares(values: NDArray[Any]) -> NDArray[Any]:
    """Squared deviations times n/(n - 1), so that their mean is the unbiased variance."""
    n = int(np.isfinite(values).sum())
    if n < 2:
        return np.full(len(values), np.nan)
    squares: NDArray[Any] = (values - np.nanmean(values)) ** 2 * n / (n - 1)
    return squares


def _deviation(squares: NDArray[Any]) -> dict[str, Any]:
    interval = mean_interval(squares, np.random.default_rng(SEED))
    roots = {
        name: float(np.sqrt(max(value, 0.0))) if np.isfinite(value) else float(value)
        for name, value in zip(("deviation", "low", "high"), interval[:3], strict=True)
    }
    return {**roots, "units": interval.units}


def chosen_table(comparison: Comparison) -> pd.DataFrame:
    """The best draw of each arm: the chosen value of every drawn field.

    `at_edge` says that it is the lowest or highest drawn, so that a better one may lie outside.
    `seeds` are those at which the draw is read: the others chose it. Empty where nothing can be
    chosen.
    """
    run, drawn = comparison.run, drawn_fields(comparison.run)
    if not comparison.design.paired or run.trials["draw"].nunique() < 2:
        return pd.DataFrame()
    values = values_of_draws(run, drawn)
    rows = []
    for (facet, level), arm in comparison.chosen_draws.groupby(["facet", "level"]):
        chosen = values.loc[arm["draw"].iloc[0]]
        for name in drawn:
            rows.append(
                {
                    "facet": facet,
                    "level": level,
                    "field": name,
                    "chosen": chosen[name],
                    "lowest": values[name].min(),
                    "highest": values[name].max(),
                    "at_edge": chosen[name] in (values[name].min(), values[name].max()),
                    "seeds": len(arm),
                }
            )
    return pd.DataFrame(rows)

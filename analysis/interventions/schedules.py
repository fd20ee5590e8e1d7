"""Whether edits help on the seeds of a study that has an arm with them and one without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.interventions.columns import SCHEDULE
from caviar.analysis.interventions.told import MARGIN, points, verdict_on
from caviar.analysis.run.arms import arms_of
from caviar.analysis.run.design import crossed_in
from caviar.analysis.run.paired import mean_of_finite
from caviar.analysis.run.read import Run, last_rows, trained_whole
from caviar.analysis.run.stored.changes import in_the_end
from caviar.analysis.statistics.intervals import FEWEST, mean_intervals
from caviar.analysis.statistics.ranges import clipped, range_of_difference
from caviar.analysis.tables.estimates import SEED

Array = NDArray[Any]

QUANTITIES = {"test_loss": "loss", "test_accuracy": "accuracy"}


class Pair(NamedTuple):
    """An arm with changes, and the one that is the same without them."""

    arm: str
    against: str


def pairs_of(run: Run) -> tuple[Pair, ...]:
    """The arms of a study that differ from an arm in their changes alone."""
    named = run.study["study"].get("arms", {})
    arms = [arm for arm in arms_of(run) if isinstance(named[arm], Mapping)]
    changed = {arm: list(named[arm].get("changes", ())) for arm in arms}
    plain = {arm: {k: v for k, v in named[arm].items() if k != "changes"} for arm in arms}
    pairs = []
    for arm in arms:
        bases = [b for b in arms if plain[b] == plain[arm] and len(changed[b]) < len(changed[arm])]
        if bases:
            pairs.append(Pair(arm, min(bases, key=lambda base: len(changed[base]))))
    return tuple(pairs)


def effects_of_schedules(run: Run) -> pd.DataFrame:
    """Every arm with changes less the one without, at the end, paired by seed: a row for each
    combination of crossed fields and each of test loss and accuracy, under population statistics
    and under the running average that training reads. Means over draws are taken by seed.
    """
    measured = list(_differences(run))
    intervals = mean_intervals([by_seed for _, by_seed in measured], SEED)
    rows = [
        {
            **place,
            **clipped(one, range_of_difference(place["quantity"]))._asdict(),
            "left_out": len(by_seed) - one.units,
        }
        for (place, by_seed), one in zip(measured, intervals, strict=True)
    ]
    return pd.DataFrame(rows, columns=[column.name for column in SCHEDULE.columns])


def told_of_schedules(effects: pd.DataFrame) -> list[str]:
    """Whether the edits help, a sentence per arm and combination of crossed fields."""
    sentences = []
    for (arm, against, where), rows in effects.groupby(["arm", "against", "where"], sort=False):
        by = {(row["statistics"], row["quantity"]): row for row in rows.to_dict("records")}
        loss, accuracy = by["population", "test_loss"], by["population", "test_accuracy"]
        seeds = f"{loss['units'] + loss['left_out']} seeds"
        says = f"At {where}: {answer_on(loss)}" if where else _capital(answer_on(loss))
        says += (
            f", with population statistics: {arm} less {against} on {seeds}, test loss "
            f"{verdict_on(loss)}, accuracy {points(accuracy)}."
        )
        running = by.get(("running", "test_loss"))
        if running:
            word = _capital(answer_on(running))
            says += f" {word}, with the running average: test loss {verdict_on(running)}."
        sentences.append(says)
    return sentences


def answer_on(row: Mapping[str, Any]) -> str:
    """Yes, no or not decided: whether the changes lower the test loss by what counts."""
    if row["units"] < FEWEST:
        return f"not known (an interval takes {FEWEST} seeds)"
    if row["high"] < 0 and row["mean"] < -MARGIN:
        return "yes"
    if row["low"] > -MARGIN:
        return "no"
    return "not decided"


def _differences(run: Run) -> Iterator[tuple[dict[str, Any], Array]]:
    rows = last_rows(trained_whole(run).evaluations)
    if rows.empty or not pairs_of(run):
        return
    test = rows[rows["split"] == "test"]
    read_with = {
        "population": test[test["statistics"] == "population"],
        "running": _own_average(test[test["statistics"] == "running"], run.trials),
    }
    crossed = crossed_in(run)
    for pair, (statistics, read) in product(pairs_of(run), read_with.items()):
        for where, here in _by_place(read[read["arm"].isin(pair)], crossed):
            for quantity, column in QUANTITIES.items():
                by_seed = _paired(here, pair, column)
                place = {**pair._asdict(), "where": where, "statistics": statistics}
                if by_seed.size:
                    yield {**place, "quantity": quantity}, by_seed


def _by_place(rows: pd.DataFrame, crossed: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of every combination of the crossed fields, with its name."""
    if not crossed:
        yield "", rows
        return
    named = [name + " = " + rows[name].map(str) for name in crossed]
    texts = named[0].str.cat(named[1:], sep=", ") if named[1:] else named[0]
    for where, here in rows.groupby(texts, sort=False):
        yield str(where), here


def _own_average(rows: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """The rows under the average with the decay that is in force at the end of a trial, by
    PyTorch's rule where that is among them."""
    decays = dict(zip(trials["trial_id"], in_the_end(trials, "decay"), strict=True))
    rows = rows[rows["tracker_decay"] == rows["trial_id"].map(decays)]
    rules = list(dict.fromkeys(rows["rule"]))
    return rows[rows["rule"] == ("unbiased" if "unbiased" in rules else (rules or [""])[0])]


def _paired(rows: pd.DataFrame, pair: Pair, column: str) -> Array:
    """The difference at every seed that both arms have, a mean over draws."""
    wide = rows.pivot_table(index=["seed", "draw"], columns="arm", values=column, dropna=False)
    if not set(pair) <= set(wide.columns):
        return np.zeros(0)
    values = wide[list(pair)].where(np.isfinite(wide[list(pair)]))
    difference = (values[pair.arm] - values[pair.against]).unstack("draw")
    return mean_of_finite(difference.to_numpy(float))


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]

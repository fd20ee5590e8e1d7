"""Two runs compared: whether they differ, in what, by how much and whether significantly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.compare.rows import Bits, settled, shared_bits
from caviar.analysis.notebook import block
from caviar.analysis.run.design import design_of
from caviar.analysis.run.read import Run
from caviar.analysis.run.small_strings import small_strings
from caviar.analysis.run.stored.changes import of_trained_size
from caviar.analysis.run.trained_with import trains_with
from caviar.analysis.statistics.intervals import (
    FEWEST,
    Interval,
    difference_interval,
    mean_interval,
    t_tail,
)
from caviar.analysis.statistics.multiplicity import holm
from caviar.analysis.tables.estimates import SEED

Array = NDArray[Any]

LAST_DIGITS = 1e-5
"""Equal trials whose values all agree within this (nats, or a share of a value above 1) differ
by rounding alone."""

SIGNIFICANT = 0.05
"""Bound of the adjusted p-value: how often equal runs may be called different."""

MEASURED = [*Interval._fields, "paired", "left_out", "p_value"]
Verdict = Literal["same", "last digits", "differ", "not significantly"]


@dataclass(frozen=True)
class Change:
    """A field of the study, `fixed.momentum`, and its value in each run; None where absent."""

    field: str
    first_value: Any
    second_value: Any


@dataclass(frozen=True, repr=False)
class TwoRuns:
    """Whether two runs differ, in which fields and rows, and by how much.

    `differences` has one row per shared level, quantity and tracker: mean of the second run less
    the first, `low` and `high` of its 95 % interval, `units`, whether they were `paired`,
    `left_out` (pairs with a side that is missing or not finite; without pairs, measurements),
    `p_value` (Student's t) and `adjusted`, Holm's over all rows; `sure` where it is below 0.05.

    >>> run = caviar.read_run("runs/quickstart")
    >>> two = caviar.compare(run, run)
    >>> two.verdict, len(two.changes), two.bits.same
    ('same', 0, True)
    """

    verdict: Verdict
    changes: tuple[Change, ...]
    bits: Bits
    differences: pd.DataFrame

    def __repr__(self) -> str:
        counts = f"{len(self.changes)} changed fields, {len(self.differences)} differences"
        return f"<TwoRuns: {self.verdict}; {counts}>"

    def _repr_html_(self) -> str:
        rows = [(change.field, change.first_value, change.second_value) for change in self.changes]
        return block(
            f"Two runs: {self.verdict}",
            [f"{int(self.differences['sure'].sum())} of {len(self.differences)} significant"],
            [("field", "first run", "second run"), *rows],
        )


@small_strings()
def compare(first: Run, second: Run) -> TwoRuns:
    """Compare two runs: the rows of the trials that they share, and the means at shared levels.

    A level is a combination of all fields that either study crosses, and of arms. Units are
    seeds, averaged over draws, or draws in a plain random search. They are paired where the
    data are the same and so are the drawn points (or at least the numbers of the draws).
    Raises ValueError where the runs share no level.
    """
    fields = _level_fields(first, second)
    sides = [_trials(run, fields) for run in (first, second)]
    if fields and not set(_levels(sides[0], fields)) & set(_levels(sides[1], fields)):
        has = [
            f"{run.where} has {_some(s, fields)}"
            for run, s in zip((first, second), sides, strict=True)
        ]
        raise ValueError(f"the runs have no level in common: {'; '.join(has)}")
    bits = shared_bits(first, second)
    unit = "draw" if any(_is_search(run) for run in (first, second)) else "seed"
    # Trials of one level, draw and seed are the same training.
    same = [*fields, "draw", "seed", "quantity", "tracker"]
    ends = [
        s.merge(final_values(run), on="trial_id").drop_duplicates(same)
        for run, s in zip((first, second), sides, strict=True)
    ]
    rows = list(_differences(ends[0], ends[1], fields, unit))
    table = pd.DataFrame(rows, columns=[*fields, "quantity", "tracker", *MEASURED])
    adjusted = holm(table["p_value"].to_numpy(np.float64))
    table = table.assign(adjusted=adjusted, sure=adjusted < SIGNIFICANT)
    whole = settled(first) == settled(second)
    changes = tuple(_changes(first.study["study"], second.study["study"]))
    return TwoRuns(_verdict(bits, whole, table), changes, bits, table)


def _verdict(bits: Bits, whole: bool, table: pd.DataFrame) -> Verdict:
    if whole and bits.same:
        return "same"
    if whole and bits.alone == 0 and bits.relative <= LAST_DIGITS:
        return "last digits"
    if table["sure"].any():
        return "differ"
    return "not significantly"


def _is_search(run: Run) -> bool:
    design = design_of(run)
    return design is not None and not design.paired


def _level_fields(first: Run, second: Run) -> list[str]:
    crossed = [*first.study["study"]["scientific"], *second.study["study"]["scientific"]]
    armed = any("arm" in run.trials and run.trials["arm"].ne("").any() for run in (first, second))
    return list(dict.fromkeys((["arm"] if armed else []) + crossed))


ANY = "any"
"""The level of a trial in a field that its training does not read."""


def _trials(run: Run, fields: list[str]) -> pd.DataFrame:
    """Level, draw, drawn point and data of every trial; a field that a run lacks is empty.

    Trials that differ only in a field that their training does not read are of one level.
    """
    trials = run.trials
    drawn = sorted(run.study["study"]["nuisance"])
    points = trials[drawn].map(_shown).to_numpy().tolist()
    return pd.DataFrame(
        {
            **{name: _level(run, name) if name in trials else "" for name in fields},
            "trial_id": trials["trial_id"],
            "draw": trials["draw"],
            "point": [str(dict(zip(drawn, point, strict=True))) for point in points],
            "data": trials["dataset_fingerprint"],
        }
    )


def _level(run: Run, field: str) -> pd.Series:
    return run.trials[field].map(_shown).where(trains_with(run, field), ANY)


def _shown(value: Any) -> str:
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def _levels(trials: pd.DataFrame, fields: list[str]) -> list[tuple[str, ...]]:
    return list(trials[fields].drop_duplicates().itertuples(index=False, name=None))


def _some(trials: pd.DataFrame, fields: list[str]) -> str:
    """The values of every field, in words."""
    values = {name: [value or "none" for value in trials[name].unique()[:9]] for name in fields}
    return ", ".join(f"{name} = {' | '.join(shown)}" for name, shown in values.items())


def final_values(run: Run) -> pd.DataFrame:
    """One row per trial, seed, quantity and tracker: the `value` at the trial's last step.

    Losses and accuracy are those under population statistics; `noise_penalty` is the train-mode
    loss less the population loss, and `running_damage` the test loss under a `tracker` less
    that under population statistics, at the same weights.
    """
    rows = run.evaluations
    rows = rows[rows["step"] == rows.groupby("trial_id")["step"].transform("max")]
    rows = rows[of_trained_size(rows, run.trials)]

    def column(split: str, statistics: str, value: str) -> pd.Series:
        kept = rows[(rows["split"] == split) & (rows["statistics"] == statistics)]
        return kept.set_index(["trial_id", "seed", "tracker"])[value]

    train, test = (column(split, "population", "loss") for split in ("train", "test"))
    noisy, accuracy = column("train", "batch", "loss"), column("test", "population", "accuracy")
    running = column("test", "running", "loss")
    exact = test.droplevel("tracker").reindex(running.index.droplevel("tracker"))
    values = {
        "train_loss": train,
        "test_loss": test,
        "test_accuracy": accuracy.where(np.isfinite(test)),
        "noise_penalty": noisy - train.reindex(noisy.index),
        "running_damage": running - exact.to_numpy(),
    }
    return pd.concat(values, names=["quantity"]).rename("value").reset_index()


def _differences(
    first: pd.DataFrame, second: pd.DataFrame, fields: list[str], unit: str
) -> Iterator[dict[str, Any]]:
    keys = [*fields, "quantity", "tracker"]
    others = dict(list(second.groupby(keys, sort=False)))
    for key, values in first.groupby(keys, sort=False):
        if key in others:
            place = dict(zip(keys, key, strict=True))
            yield {**place, **_difference(values, others[key], unit)}


def _difference(first: pd.DataFrame, second: pd.DataFrame, unit: str) -> dict[str, Any]:
    """The mean of the second less the first, paired where the trials are."""
    generator = np.random.default_rng(SEED)
    match = _match(first, second)
    if match is None:
        samples = [_units(side, unit) for side in (second, first)]
        interval = difference_interval(samples[0], samples[1], generator)
        left_out = sum(int((~np.isfinite(side["value"])).sum()) for side in (first, second))
    else:
        common = set(first[match]) & set(second[match])
        by = [match, "seed"]
        sides = [_whole_means(side[side[match].isin(common)], by) for side in (second, first)]
        pair = sides[0].sub(sides[1])
        pair = pair.where(np.isfinite(pair))
        samples = [pair.groupby(match if unit == "draw" else "seed").mean().dropna().to_numpy()]
        interval = mean_interval(samples[0], generator)
        left_out = int(pair.isna().sum())
    paired = {"paired": match is not None, "left_out": left_out, "p_value": p_value(*samples)}
    return {**interval._asdict(), **paired}


def _match(first: pd.DataFrame, second: pd.DataFrame) -> str | None:
    """The column that pairs two sets of trials, besides the seed: the drawn point, else the draw's
    number; None where nothing does."""
    if set(first["data"]) != set(second["data"]) or not set(first["seed"]) & set(second["seed"]):
        return None
    shared = (name for name in ("point", "draw") if set(first[name]) & set(second[name]))
    return next(shared, None)


def _whole_means(side: pd.DataFrame, by: list[str]) -> pd.Series:
    """Means by unit and draw; NaN where a part is missing."""
    groups = side.assign(value=side["value"].where(np.isfinite(side["value"]))).groupby(by)["value"]
    return groups.mean().where(groups.count() == groups.size())


def _units(side: pd.DataFrame, unit: str) -> Array:
    finite = side[np.isfinite(side["value"])]
    return np.asarray(finite.groupby(unit)["value"].mean())


def p_value(*samples: Array) -> float:
    """Two-sided p of Student's t: one sample's mean against zero, or two means (Welch 1947).

    NaN with fewer units than an interval needs; where nothing varies, 1 for no difference, else 0.
    """
    counts = np.array([len(sample) for sample in samples])
    if counts.min() < FEWEST:
        return float("nan")
    means = [float(sample.mean()) for sample in samples]
    difference = means[0] - (means[1] if len(means) > 1 else 0.0)
    variances = np.array([sample.var(ddof=1) for sample in samples]) / counts
    error = float(np.sqrt(variances.sum()))
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    freedom = variances.sum() ** 2 / (variances**2 / (counts - 1)).sum()
    return 2 * t_tail(abs(difference) / error, freedom)


def _changes(first: Any, second: Any, path: str = "") -> Iterator[Change]:
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys([*first, *second]):
            yield from _changes(first.get(key), second.get(key), f"{path}.{key}".strip("."))
    elif first != second:
        yield Change(path, first, second)

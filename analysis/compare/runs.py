"""Two runs side by side: whether they differ, in what, by how much and how surely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from caviar.analysis.compare.rows import Bits, settled, shared_bits
from caviar.analysis.notebook import block
from caviar.analysis.run.design import design_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import (
    FEWEST,
    Interval,
    difference_interval,
    mean_interval,
)
from caviar.analysis.statistics.multiplicity import holm
from caviar.analysis.tables.estimates import SEED

Array = NDArray[Any]

LAST_DIGITS = 1e-5
"""Equal trials whose values all agree within this (nats, or a share of a value above 1) differ
by rounding alone."""

SURE = 0.05
"""Of the adjusted p-value: how often equal runs may be called different."""

MEASURED = [*Interval._fields, "paired", "left_out", "p_value"]
Verdict = Literal["same", "last digits", "differ", "not surely"]


@dataclass(frozen=True)
class Change:
    """A field of the study, `fixed.momentum`, and its value in each run; None where absent."""

    field: str
    here: Any
    there: Any


@dataclass(frozen=True, repr=False)
class TwoRuns:
    """What two runs are to each other.

    `differences` has a row a shared level, quantity and tracker: mean of the second run less
    the first, `low` and `high` of its 95 % interval, `units`, whether they were `paired`,
    `left_out` (pairs with a side that is missing or not finite; unpaired, measurements),
    `p_value` (Student's t) and `adjusted`, Holm's over all rows; `sure` below 0.05.

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
        rows = [(change.field, change.here, change.there) for change in self.changes]
        return block(
            f"Two runs: {self.verdict}",
            [f"{len(self.differences)} differences, {int(self.differences['sure'].sum())} sure"],
            [("field", "first run", "second run"), *rows],
        )


def compare(here: Run, there: Run) -> TwoRuns:
    """Compare two runs: the rows of the trials that they share, and the means at shared levels.

    A level is a combination of all fields that either study crosses, and of arms. Units are
    seeds, averaged over draws, or draws in a plain random search. They are paired where the
    data are the same and so are the drawn points (or at least the numbers of the draws).
    Raises ValueError where the runs share no level.
    """
    fields = _level_fields(here, there)
    sides = [_trials(run, fields) for run in (here, there)]
    if fields and not set(_levels(sides[0], fields)) & set(_levels(sides[1], fields)):
        has = [
            f"{run.where} has {_some(s, fields)}"
            for run, s in zip((here, there), sides, strict=True)
        ]
        raise ValueError(f"the runs have no level in common: {'; '.join(has)}")
    bits = shared_bits(here, there)
    unit = "draw" if any(_is_search(run) for run in (here, there)) else "seed"
    ends = [
        s.merge(final_values(run), on="trial_id")
        for run, s in zip((here, there), sides, strict=True)
    ]
    rows = list(_differences(ends[0], ends[1], fields, unit))
    table = pd.DataFrame(rows, columns=[*fields, "quantity", "tracker", *MEASURED])
    adjusted = holm(table["p_value"].to_numpy(np.float64))
    table = table.assign(adjusted=adjusted, sure=adjusted < SURE)
    whole = settled(here) == settled(there)
    changes = tuple(_changes(here.study["study"], there.study["study"]))
    return TwoRuns(_verdict(bits, whole, table), changes, bits, table)


def _verdict(bits: Bits, whole: bool, table: pd.DataFrame) -> Verdict:
    if whole and bits.same:
        return "same"
    if whole and bits.alone == 0 and bits.relative <= LAST_DIGITS:
        return "last digits"
    if table["sure"].any():
        return "differ"
    return "not surely"


def _is_search(run: Run) -> bool:
    design = design_of(run)
    return design is not None and not design.paired


def _level_fields(here: Run, there: Run) -> list[str]:
    crossed = [*here.study["study"]["scientific"], *there.study["study"]["scientific"]]
    armed = any("arm" in run.trials and run.trials["arm"].ne("").any() for run in (here, there))
    return list(dict.fromkeys((["arm"] if armed else []) + crossed))


def _trials(run: Run, fields: list[str]) -> pd.DataFrame:
    """Level, draw, drawn point and data of every trial; a field that is not there is empty."""
    trials = run.trials
    drawn = sorted(run.study["study"]["nuisance"])
    points = trials[drawn].map(_shown).to_numpy().tolist()
    return pd.DataFrame(
        {
            **{name: trials[name].map(_shown) if name in trials else "" for name in fields},
            "trial_id": trials["trial_id"],
            "draw": trials["draw"],
            "point": [str(dict(zip(drawn, point, strict=True))) for point in points],
            "data": trials["dataset_fingerprint"],
        }
    )


def _shown(value: Any) -> str:
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def _levels(trials: pd.DataFrame, fields: list[str]) -> list[tuple[str, ...]]:
    return list(trials[fields].drop_duplicates().itertuples(index=False, name=None))


def _some(trials: pd.DataFrame, fields: list[str]) -> str:
    """The values of every field, in words."""
    values = {name: [value or "none" for value in trials[name].unique()[:9]] for name in fields}
    return ", ".join(f"{name} = {' | '.join(found)}" for name, found in values.items())


def final_values(run: Run) -> pd.DataFrame:
    """A row a trial, seed, quantity and tracker: the `value` at the trial's last step.

    Losses and accuracy are those under population statistics; `noise_penalty` is the train-mode
    loss less the population loss, and `running_damage` the test loss under a `tracker` less
    that under population statistics, at the same weights.
    """
    rows = run.evaluations
    rows = rows[rows["step"] == rows.groupby("trial_id")["step"].transform("max")]
    # The trained size only: a `batch` row at another size is another question.
    rows = rows[rows["probe_batch_size"] == rows["norm_batch_size"]]

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
    here: pd.DataFrame, there: pd.DataFrame, fields: list[str], unit: str
) -> Iterator[dict[str, Any]]:
    keys = [*fields, "quantity", "tracker"]
    others = dict(list(there.groupby(keys, sort=False)))
    for key, own in here.groupby(keys, sort=False):
        if key in others:
            place = dict(zip(keys, key, strict=True))
            yield {**place, **_difference(own, others[key], unit)}


def _difference(here: pd.DataFrame, there: pd.DataFrame, unit: str) -> dict[str, Any]:
    """The mean of the second less the first, paired where the trials are."""
    generator = np.random.default_rng(SEED)
    match = _match(here, there)
    if match is None:
        samples = [_units(side, unit) for side in (there, here)]
        interval = difference_interval(samples[0], samples[1], generator)
        left_out = sum(int((~np.isfinite(side["value"])).sum()) for side in (here, there))
    else:
        common = set(here[match]) & set(there[match])
        by = [match, "seed"]
        sides = [_whole_means(side[side[match].isin(common)], by) for side in (there, here)]
        pair = sides[0].sub(sides[1])
        pair = pair.where(np.isfinite(pair))
        samples = [pair.groupby(match if unit == "draw" else "seed").mean().dropna().to_numpy()]
        interval = mean_interval(samples[0], generator)
        left_out = int(pair.isna().sum())
    paired = {"paired": match is not None, "left_out": left_out, "p_value": p_value(*samples)}
    return {**interval._asdict(), **paired}


def _match(here: pd.DataFrame, there: pd.DataFrame) -> str | None:
    """What pairs two sets of trials beside the seed: the drawn point, else the draw's number."""
    if set(here["data"]) != set(there["data"]) or not set(here["seed"]) & set(there["seed"]):
        return None
    shared = (name for name in ("point", "draw") if set(here[name]) & set(there[name]))
    return next(shared, None)


def _whole_means(side: pd.DataFrame, by: list[str]) -> pd.Series:
    """Means by unit and draw; none where any of it is missing."""
    groups = side.assign(value=side["value"].where(np.isfinite(side["value"]))).groupby(by)["value"]
    return groups.mean().where(groups.count() == groups.size())


def _units(side: pd.DataFrame, unit: str) -> Array:
    finite = side[np.isfinite(side["value"])]
    return np.asarray(finite.groupby(unit)["value"].mean())


def p_value(*samples: Array) -> float:
    """Two-sided p of Student's t: one sample's mean against zero, or two's (Welch 1947).

    NaN with fewer units than an interval needs; without any spread 1 for no difference, else 0.
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
    return float(2 * stats.t.sf(abs(difference) / error, freedom))


def _changes(here: Any, there: Any, path: str = "") -> Iterator[Change]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in dict.fromkeys([*here, *there]):
            yield from _changes(here.get(key), there.get(key), f"{path}.{key}".strip("."))
    elif here != there:
        yield Change(path, here, there)

"""read_run: the tables of a run as data frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from caviar.analysis.notebook import block
from caviar.analysis.run.of_model import is_of_model, with_unfinished
from caviar.analysis.run.small_strings import small_strings, strings_of
from caviar.analysis.run.stored.lineages import (
    INTERVENTIONS,
    READING_LAYERS,
    READINGS,
    is_panda,
    lineages_of,
    with_lineages,
)
from caviar.analysis.run.stored.location import DamagedError, Place, parts, place_at
from caviar.analysis.run.stored.seed_blocks import (
    BLOCKS,
    joined_names,
    joined_outcomes,
    joined_trials,
    renamed,
)
from caviar.analysis.run.stored.study_json import study_in

MEASUREMENTS = ("curves", "evaluations", "statistics", "noise", "predictions")
TABLES = ("trials", *MEASUREMENTS, "outcomes")
ALWAYS_JOINED = ("draw", "norm", "batch_size", "norm_batch_size", "learning_rate")
SETTLED = ("completed", "diverged", "stopped")
SETTLED_OR_NOT = (*SETTLED, "failed", "unfinished")
"""Of a model every attempt is read: nobody but its owner could make another."""
RENAMED = {
    "curves": {"learning_rate": "scheduled_learning_rate"},
    **{table: {"norm_batch_size": "probe_batch_size"} for table in MEASUREMENTS[1:]},
}
"""Measured columns with the name of a config field, which has the first claim on it."""

WHO = ("trial_id", "seed")
READ_BY = (*WHO, "step", "split", "statistics", "layer")
"""What tells the readings of a panda apart."""
KEYS = {
    "curves": WHO,
    "evaluations": (*WHO, "split", "statistics", "tracker"),
    "statistics": (*WHO, "layer", "tracker"),
    "noise": (*WHO, "layer", "probe_batch_size"),
    "predictions": (*WHO, "statistics", "example"),
}
"""What tells the rows of one step apart."""


@dataclass(frozen=True, repr=False)
class Run:
    """A run: `study` is `study.json`, the rest are data frames with one row per measurement.

    Beside their own columns, measurements carry the fields that differ between trials (and the
    batch sizes). The size at which something was measured is called `probe_batch_size`, and the
    learning rate of a step `scheduled_learning_rate`, so that `norm_batch_size` and
    `learning_rate` are always those of the trial. `outcomes` has one row per trial, that of the
    attempt that counts. A trial that was `stopped` early has the rows measured until then, and
    enters no comparison. Seeds that joined a network later (`caviar run --extend`) are read as one
    trial with the first ones, named by both with a plus between. `where` holds no secrets; `note`
    is what a reader must know first. `interventions`, `readings` and `reading_layers` are those of
    a training that was edited while it ran (`caviar panda`), and empty for other runs.

    >>> run = caviar.read_run("runs/quickstart")
    >>> test = run.final().query("split == 'test' and statistics == 'population'")
    >>> test.groupby("norm_batch_size")["loss"].mean().shape
    (2,)
    """

    where: Path | str
    study: dict[str, Any]
    trials: pd.DataFrame
    curves: pd.DataFrame
    evaluations: pd.DataFrame
    statistics: pd.DataFrame
    noise: pd.DataFrame
    predictions: pd.DataFrame
    outcomes: pd.DataFrame
    note: str = ""
    interventions: pd.DataFrame = field(default_factory=pd.DataFrame)
    readings: pd.DataFrame = field(default_factory=pd.DataFrame)
    reading_layers: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def counts(self) -> dict[str, int]:
        """Trials planned, and how they ended."""
        status = self.outcomes["status"]
        ended = {name: int((status == name).sum()) for name in (*SETTLED, "failed", "lost")}
        return {"planned": len(self.trials), **ended}

    def final(self, table: str = "evaluations") -> pd.DataFrame:
        """The rows of each trial's last step, indexed by what tells them apart.

        One row of `evaluations` for each trial, seed, split, kind of statistics and tracker: a
        mean over rows that mixes trackers has to say so. `table` may be any table of measurements;
        KeyError for another name.

        >>> run = caviar.read_run("runs/quickstart")
        >>> run.final().index.names
        FrozenList(['trial_id', 'seed', 'split', 'statistics', 'tracker'])
        """
        if table not in KEYS:
            raise KeyError(f"{table!r} is not a table of measurements; those are {', '.join(KEYS)}")
        rows = last_rows(getattr(self, table))
        return rows if rows.empty else rows.set_index(list(KEYS[table]))

    @property
    def name(self) -> str:
        """The name of its study."""
        return str(self.study["study"]["name"])

    @property
    def ended(self) -> str:
        """`20 of 21 trials completed, 1 diverged, 0 failed, 0 lost`."""
        counts = self.counts
        others = ", ".join(f"{counts[name]} {name}" for name in ("diverged", "failed", "lost"))
        others += f", {counts['stopped']} stopped early" * (counts["stopped"] > 0)
        return f"{counts['completed']} of {counts['planned']} trials completed, {others}"

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self.ended}>"

    def _repr_html_(self) -> str:
        frames = {name: getattr(self, name) for name in TABLES}
        rows = [(name, f"{len(f):,}", ", ".join(f.columns)) for name, f in frames.items()]
        return block(
            f"Run {self.name}", [self.ended, str(self.where)], [("table", "rows", "columns"), *rows]
        )


def read_run(where: str | Path, *, intervened: bool = False) -> Run:
    """Read a run, finished or not, from a folder or a URI; rows of given-up attempts are left out.

    Of a training that was edited while it ran (`caviar panda`), the trial is the one without
    edits; `intervened` reads the edited ones as trials beside it, each with its rows from its
    first edit on. Raises FileNotFoundError where there is no `study.json`, DamagedError where a
    file is not what it should be, and ValueError where no trial has been measured yet.

    >>> caviar.read_run("runs/quickstart").counts
    {'planned': 4, 'completed': 4, 'diverged': 0, 'stopped': 0, 'failed': 0, 'lost': 0}
    """
    return run_in(place_at(where), intervened=intervened)


def run_in(place: Place, *, intervened: bool = False) -> Run:
    """The same from a place that is open already."""
    study = study_in(place)
    run = run_from(place.shown, study, partial(with_lineages if intervened else parts, place))
    if not is_panda(study):
        return run
    beside = partial(parts, lineages_of(place))
    return replace(
        run,
        interventions=_frame(place.shown, INTERVENTIONS, partial(parts, place)),
        readings=_once(_frame(place.shown, READINGS, beside)),
        reading_layers=_once(_frame(place.shown, READING_LAYERS, beside)),
    )


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Readings without those that were written again after a kill, which are the same."""
    return rows.drop_duplicates([key for key in READ_BY if key in rows])


Stored = Callable[[str], list[pa.Table]]
"""The parts of a table, by its name."""


@small_strings()
def run_from(where: Path | str, study: dict[str, Any], stored: Stored) -> Run:
    """The same from tables as the runner stores them, which are taken one after the other."""
    trials = _frame(where, "trials", stored)
    outcomes = _frame(where, "outcomes", stored)
    if is_of_model(study):
        outcomes = with_unfinished(trials, outcomes)
    ended = SETTLED_OR_NOT if is_of_model(study) else SETTLED
    if outcomes.empty or not outcomes["status"].isin(ended).any():
        raise ValueError(f"no trial of {str(where)!r} has finished yet; there is nothing to read")
    outcomes = outcomes.sort_values("attempt").drop_duplicates("trial_id", keep="last")
    counting = outcomes.loc[outcomes["status"].isin(ended), ["trial_id", "attempt"]]
    designed = [*study["study"]["scientific"], *study["study"]["nuisance"]]
    known = trials[["trial_id", *joined_fields(trials, designed)]].drop_duplicates("trial_id")
    attempts = known[["trial_id"]].merge(counting, on="trial_id", how="left")["attempt"].to_numpy()
    measured = {
        table: _measured(table, _frame(where, table, stored), attempts, known)
        for table in MEASUREMENTS
    }
    outcomes = outcomes.reset_index(drop=True)
    if len(study.get(BLOCKS, ())) > 1:
        names = joined_names(trials, counting["trial_id"])
        measured = {table: renamed(frame, names) for table, frame in measured.items()}
        trials, outcomes = joined_trials(trials, names), joined_outcomes(outcomes, names)
    return Run(where=where, study=study, trials=trials, outcomes=outcomes, **measured)


def last_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of each trial's last measured step."""
    if frame.empty:  # It may have no columns either.
        return frame
    of_trial, trials = pd.factorize(frame["trial_id"])
    steps = frame["step"].to_numpy()
    last = np.full(len(trials), steps.min())
    np.maximum.at(last, of_trial, steps)
    return frame[steps == last[of_trial]]


def trained_whole(run: Run) -> Run:
    """The same run without the trials that the median rule stopped early."""
    early = run.outcomes.loc[run.outcomes["status"] == "stopped", "trial_id"]
    trials = run.trials["trial_id"]
    return run if early.empty else of_trials(run, trials[~trials.isin(early)])


def of_trials(run: Run, trial_ids: pd.Series) -> Run:
    """The same run as if it had only these trials."""
    frames = {name: getattr(run, name) for name in TABLES}
    return replace(run, **{n: f[f["trial_id"].isin(trial_ids)] for n, f in frames.items()})


def _frame(where: Path | str, table: str, stored: Stored) -> pd.DataFrame:
    tables = stored(table)
    if not tables:
        return pd.DataFrame({"trial_id": [], "attempt": [], "status": []})
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise DamagedError(
            f"the part files of {table} in {str(where)!r} do not fit together ({reason})"
        ) from None
    del tables
    # Column by column, each freed in Arrow as it lands: never two copies of a table.
    with strings_of(whole.num_rows):
        # A part that pandas has rewritten may bring an index of its own.
        return whole.to_pandas(split_blocks=True, self_destruct=True).reset_index(drop=True)


def _measured(
    table: str, rows: pd.DataFrame, attempts: NDArray[Any], known: pd.DataFrame
) -> pd.DataFrame:
    """The `rows` of the attempts that count, with the fields of their trials beside them.

    `known` has trial_id and fields, one row per trial; `attempts`, `(trials,)`, which of each
    trial counts (NaN: none).
    """
    with strings_of(len(rows)):
        return _with_rule(_joined(table, rows, attempts, known))


def _joined(
    table: str, rows: pd.DataFrame, attempts: NDArray[Any], known: pd.DataFrame
) -> pd.DataFrame:
    codes, trials = pd.factorize(rows["trial_id"])
    of_trial = pd.Index(known["trial_id"]).get_indexer(trials)[codes]
    counts = (of_trial >= 0) & (rows["attempt"].to_numpy() == attempts[of_trial])
    if not counts.all():
        rows, of_trial = rows[counts].reset_index(drop=True), of_trial[counts]
    rows = rows.rename(columns=RENAMED[table])
    fields = known[[c for c in known.columns if c not in rows.columns]]
    return pd.concat([rows, fields.take(of_trial).reset_index(drop=True)], axis=1)


def joined_fields(trials: pd.DataFrame, designed: Sequence[str] = ()) -> list[str]:
    """The config fields that measurements carry: the usual ones, those crossed or drawn, and all
    others that vary."""
    fields = [c for c in trials.columns if c not in ("trial_id", "seeds")]
    varied = [c for c in fields if _hashable(trials[c]).nunique(dropna=False) > 1]
    return [c for c in fields if c in {*ALWAYS_JOINED, *designed, *varied}]


def _hashable(column: pd.Series) -> pd.Series:
    """The column, with lists and the like as texts."""
    if column.dtype != object:
        return column
    plain = str | int | float | bool | None
    return column.map(lambda value: value if isinstance(value, plain) else str(value))


def _with_rule(frame: pd.DataFrame) -> pd.DataFrame:
    """Split `tracker`, `"unbiased/0.99"`, into `rule` and `tracker_decay` (NaN without one)."""
    if "tracker" not in frame:
        return frame
    if frame.empty:
        return frame.assign(rule="", tracker_decay=0.0)
    codes, trackers = pd.factorize(frame["tracker"])
    parts = pd.Series(trackers).str.partition("/")
    decays = pd.to_numeric(parts[2].replace("", None))
    return frame.assign(rule=parts[0].array.take(codes), tracker_decay=decays.array.take(codes))

"""What a run measured, as one number per seed, so that claims can be decided over seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.arms import arms_of
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run

Array = NDArray[Any]

TEST = "test population"
TRAIN = "train population"
"""Columns of `losses`: the split, and the statistics that it was read with."""


@dataclass(frozen=True)
class Seedwise:
    """A run's last step, one number per seed; every array is `(seeds,)`, NaN where one is missing.

    `batch_norm` is the arm that the design is about. `losses` has one row per arm, level and
    seed, at each arm's best draw where there were several; `noise` and `statistics` are about
    `batch_norm` and averaged over draws. There a draw that is missing or not finite makes its seed
    missing: an average over fewer draws would be over other learning rates.
    """

    run: Run
    design: Design
    batch_norm: str
    seeds: tuple[int, ...]
    examples: int
    losses: pd.DataFrame
    noise: pd.DataFrame
    statistics: pd.DataFrame

    @property
    def tuned(self) -> bool:
        """Whether every arm had several draws to choose from."""
        return bool(self.run.trials["draw"].nunique() > 1)

    def of_batch_norm(self, field: str) -> Any:
        """A config field of the batch-norm arm; None where its trials differ in it."""
        return self.of_arm(self.batch_norm, field)

    def of_arm(self, arm: str, field: str) -> Any:
        """A config field of an arm; None where its trials differ in it."""
        values = self._trials(arm)[field].unique()
        return values[0] if len(values) == 1 else None

    def levels(self, arm: str) -> list[float]:
        """The sizes at which an arm was measured."""
        of_arm = self.losses.index.get_level_values("arm") == arm
        return sorted(self.losses.index[of_arm].unique("level"))

    def loss(self, arm: str, level: float, what: str = TEST) -> Array:
        """A loss of an arm at a size."""
        if what not in self.losses or (arm, level) not in self.losses.index.droplevel("seed"):
            return np.full(len(self.seeds), np.nan)
        losses: Array = self.losses.loc[(arm, level), what].reindex(list(self.seeds)).to_numpy()
        return losses

    def best(self, arm: str, levels: Iterable[float], read: str = TEST) -> Array:
        """`read` at the size whose test loss is lowest over the *other* seeds.

        No seed influences its own choice, so the best of several is not biased downwards.
        """
        return self.best_of([(arm, level) for level in levels], read)

    def best_of(self, places: list[tuple[str, float]], read: str = TEST) -> Array:
        """The same among any arms and sizes."""
        test = np.stack([self.loss(*place) for place in places], axis=1)
        values = np.stack([self.loss(*place, read) for place in places], axis=1)
        test = np.where(np.isfinite(test), test, np.inf)
        chosen = [
            (np.delete(test, i, axis=0) if len(test) > 1 else test).mean(axis=0).argmin()
            for i in range(len(test))
        ]
        best: Array = values[np.arange(len(chosen)), chosen]
        return best

    def arms_with(self, **fields: Any) -> list[str]:
        """The arms all of whose trials have these values, in the study's order."""
        arms = []
        for arm in arms_of(self.run):
            trials = self._trials(arm)
            if all(name in trials and (trials[name] == v).all() for name, v in fields.items()):
                arms.append(arm)
        return arms

    def population(self) -> tuple[str, float] | None:
        """Arm and size that train on the whole training split's statistics, without noise."""
        none = {"norm": "batch", "dropout": 0.0, "gamma_decay": 0.0}
        for arm in self.arms_with(**none, norm_batch_size=self.examples) or [self.batch_norm]:
            level = self.levels(arm)[-1] if self.levels(arm) else 0
            if (self._trials(arm)["norm_batch_size"] == self.examples).any():
                return arm, level
        return None

    def _trials(self, arm: str) -> pd.DataFrame:
        trials = self.run.trials
        return self._trials_by_arm.get(arm, trials.iloc[:0]) if self._trials_by_arm else trials

    @cached_property
    def _trials_by_arm(self) -> dict[str, pd.DataFrame]:
        """Empty without arms. Claims ask for the same arms hundreds of times."""
        trials = self.run.trials
        return {arm: trials[trials["arm"] == arm] for arm in arms_of(self.run)}


def seedwise(comparison: Comparison) -> Seedwise | None:
    """One number per seed of everything; None where seeds are not paired, where fields besides
    arm and size are crossed, or where the design is not about batch norm."""
    first, design = comparison.run, comparison.design
    run = comparison.whole if comparison.arms else first
    if not design.paired or design.facets or not (first.trials["norm"] == "batch").all():
        return None
    rows = run.evaluations
    train = rows.loc[rows["split"] == "train", "examples"]
    if train.empty:
        return None
    arms = comparison.arms
    return Seedwise(
        run=run,
        design=design,
        batch_norm=arms[0] if arms else "",
        seeds=tuple(sorted(rows["seed"].unique().tolist())),
        examples=int(train.iloc[0]),
        losses=_losses(comparison),
        noise=_over_draws(_network(first, design), ["level", "probe_batch_size"]),
        statistics=_over_draws(_layers(first, design), ["layer", "tracker", "level"]),
    )


def usual_tracker(run: Run) -> str:
    """The running average that claims are about: the study's own rule at its own decay."""
    rule = run.trials["convention"].dropna().unique().tolist()
    return f"{(*rule, 'unbiased')[0]}/{float(run.trials['decay'].iloc[0])!r}"


def _losses(comparison: Comparison) -> pd.DataFrame:
    named = comparison.arms
    whole = comparison.across_arms if len(named) > 1 else comparison
    rows = final(whole.run.evaluations, whole.design)
    # Where all trials are of one arm, measurements do not carry its name.
    arm = rows["arm"] if len(named) > 1 else (*named, "")[0]
    rows = rows[rows["tracker"].isin(["", usual_tracker(comparison.run)])].assign(arm=arm)
    rows = rows.assign(what=rows["split"] + " " + rows["statistics"])
    read = whole.readings(rows)
    rows = read.get(BEST_DRAW, read[EVERY_DRAW])
    rows = rows.assign(loss=rows["loss"].where(np.isfinite(rows["loss"])))
    # There is one row for each, except in a run whose rows were written twice.
    values = rows.groupby(["arm", "level", "seed", "what"])["loss"].first()
    return values.unstack("what").sort_index()


def _network(run: Run, design: Design) -> pd.DataFrame:
    if run.noise.empty:
        return run.noise
    rows = final(run.noise, design)
    return rows[rows["layer"] == "network"]


def _layers(run: Run, design: Design) -> pd.DataFrame:
    return run.statistics if run.statistics.empty else final(run.statistics, design)


def _over_draws(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    if rows.empty:
        return pd.DataFrame(columns=[*keys, "seed"])
    index = [*keys, "seed"]
    reals = rows.select_dtypes("floating").columns.difference(["level", "learning_rate"])
    draws = rows["draw"].nunique()
    grouped = rows.groupby(index)[list(reals)]
    # Infinities and missing draws must not vanish in the mean.
    return grouped.mean().where(grouped.count() == draws).reset_index()

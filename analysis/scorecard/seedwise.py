"""What a run measured, as one number per seed, so that claims can be decided over seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.arms import REGULARISERS, arms_of
from caviar.analysis.run.choice import Choice, lowest_of
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import split_seeds
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run
from caviar.analysis.run.stored.changes import in_the_end
from caviar.analysis.scorecard.tuned import Tuned, tuned_rates

Array = NDArray[Any]
Place = tuple[str, float]
"""An arm, and the size that it trained with."""

TEST = "test population"
TRAIN = "train population"
OWN_AVERAGES = "test own averages"
"""Columns of `losses`: the split, and the statistics that it was read with."""


@dataclass(frozen=True)
class Seedwise:
    """A run's last step, one number per deciding seed; every array is `(seeds,)`, NaN for a missing
    one.

    The first third of the run's seeds, `choosing`, choose every learning rate, size and strength;
    `seeds` decide, so that no seed's result depends on a choice that it made. `batch_norm`
    is the arm that the design is about. `losses` has one row per arm, level and seed of both
    kinds, at the learning rate that `tuned` holds for the arm and level, and `losses_by_draw` one
    for every draw too; `noise` and `statistics`
    are about `batch_norm`, at the same rates. `asked` collects the places that a measure reads.
    """

    run: Run
    design: Design
    batch_norm: str
    choosing: tuple[int, ...]
    seeds: tuple[int, ...]
    examples: int
    tuned: dict[Place, Tuned]
    losses: pd.DataFrame
    losses_by_draw: pd.DataFrame
    noise_rows: pd.DataFrame
    statistics_rows: pd.DataFrame
    asked: set[Place] = field(default_factory=set, compare=False)

    def afresh(self) -> Seedwise:
        """The same, with nothing asked yet."""
        return replace(self, asked=set())

    @property
    def noise(self) -> pd.DataFrame:
        """Rows about the noise of the network, of every size of batch norm."""
        self.asked.update((self.batch_norm, level) for level in self.levels(self.batch_norm))
        return self.noise_rows

    @property
    def statistics(self) -> pd.DataFrame:
        """Rows about running averages, of every size of batch norm."""
        self.asked.update((self.batch_norm, level) for level in self.levels(self.batch_norm))
        return self.statistics_rows

    def of_batch_norm(self, field: str) -> Any:
        """A config field of the batch-norm arm; None where its trials differ in it."""
        return self.of_arm(self.batch_norm, field)

    def of_arm(self, arm: str, field: str) -> Any:
        """A config field of an arm; None where its trials differ in it, or an old run lacks it."""
        trials = self._trials(arm)
        values: Any = trials[field].unique() if field in trials else []
        return values[0] if len(values) == 1 else None

    def levels(self, arm: str) -> list[float]:
        """The sizes at which an arm was measured."""
        of_arm = self.losses.index.get_level_values("arm") == arm
        return sorted(self.losses.index[of_arm].unique("level"))

    def loss(self, arm: str, level: float, what: str = TEST) -> Array:
        """A loss of an arm at a size."""
        self.asked.add((arm, level))
        return self._loss(arm, level, what, self.seeds)

    def loss_at_rate_of(self, place: Place, arm: str, level: float, what: str) -> Array:
        """A loss of an arm at a size, trained at the learning rate that `place` chose.

        How well a network fits depends on its learning rate, so train losses are compared at one.
        """
        self.asked.add(place)
        key = (arm, level, self.tuned[place].draw) if place in self.tuned else ()
        rows = self.losses_by_draw
        if not key or what not in rows or key not in rows.index.droplevel("seed"):
            return np.full(len(self.seeds), np.nan)
        losses: Array = rows.loc[key, what].reindex(list(self.seeds)).to_numpy()
        return losses

    def best(self, arm: str, levels: Iterable[float], read: str = TEST) -> Choice:
        """The lowest test loss of an arm's sizes, one of which `best_place` chooses."""
        return self.best_of([(arm, level) for level in levels], read)

    def best_of(self, places: Iterable[Place], read: str = TEST) -> Choice:
        """The same among any arms and sizes."""
        listed = list(places)
        chosen = listed.index(self.best_place(listed, read))
        return lowest_of(np.stack([self.loss(*one, read) for one in listed], axis=1), chosen)

    def best_place(self, places: Iterable[Place], read: str = TEST) -> Place:
        """The arm and size whose mean test loss, as `read` reads it, is lowest over the choosing
        seeds, the first of equals; a place where one of them diverged comes last."""
        what = read.replace("train", "test")
        listed = list(places)
        chosen = np.stack([self._loss(*place, what, self.choosing) for place in listed], axis=1)
        means = np.where(np.isfinite(chosen), chosen, np.inf).mean(axis=0)
        return listed[int(means.argmin())]

    def arms_with(self, **fields: Any) -> list[str]:
        """The arms all of whose trials have these values, in the study's order."""
        arms = []
        for arm in arms_of(self.run):
            trials = self._trials(arm)
            if all(name in trials and (trials[name] == v).all() for name, v in fields.items()):
                arms.append(arm)
        return arms

    def places_with(self, **fields: Any) -> list[Place]:
        """The arms with these values, each at each of its sizes."""
        return [(arm, level) for arm in self.arms_with(**fields) for level in self.levels(arm)]

    def population(self) -> Place | None:
        """Arm and size that train on the whole training split's statistics, without noise."""
        for arm in self.on_population() or [self.batch_norm]:
            level = self.levels(arm)[-1] if self.levels(arm) else 0
            if (self._trials(arm)["norm_batch_size"] == self.examples).any():
                return arm, level
        return None

    def on_population(self, *but: str) -> list[str]:
        """The arms that train on the whole training split's statistics and regularise as batch norm
        does, except in the fields `but`."""
        every = {name: self.of_batch_norm(name) for name in REGULARISERS if name not in but}
        # What is drawn, all arms share.
        same = {name: strength for name, strength in every.items() if strength is not None}
        return self.arms_with(norm="batch", norm_batch_size=self.examples, **same)

    def _loss(self, arm: str, level: float, what: str, seeds: tuple[int, ...]) -> Array:
        if what not in self.losses or (arm, level) not in self.losses.index.droplevel("seed"):
            return np.full(len(seeds), np.nan)
        losses: Array = self.losses.loc[(arm, level), what].reindex(list(seeds)).to_numpy()
        return losses

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
    batch_norm = (*comparison.arms, "")[0]
    seeds = tuple(sorted(rows["seed"].unique().tolist()))
    choosing, deciding = split_seeds(seeds)
    every = _evaluations(comparison)
    tuned = tuned_rates(every, choosing)
    by_draw = _by_draw(every, usual_tracker(first))
    return Seedwise(
        run=run,
        design=design,
        batch_norm=batch_norm,
        choosing=choosing,
        seeds=deciding,
        examples=int(train.iloc[0]),
        tuned=tuned,
        losses=_losses(by_draw, tuned),
        losses_by_draw=by_draw,
        noise_rows=_at_tuned(_network(first, design), batch_norm, tuned),
        statistics_rows=_at_tuned(_layers(first, design), batch_norm, tuned),
    )


def usual_tracker(run: Run) -> str:
    """The running average that claims are about: the study's own rule at its own decay, or else
    PyTorch's, or the first that was measured where that was not."""
    declared = run.trials["convention"].dropna().unique().tolist()
    measured = list(run.trials["conventions"].iloc[0])
    usual = "unbiased" if "unbiased" in measured else (*measured, "unbiased")[0]
    return f"{(*declared, usual)[0]}/{float(in_the_end(run.trials, 'decay').iloc[0])!r}"


def _evaluations(comparison: Comparison) -> pd.DataFrame:
    """Every loss at the last step, with arm, level, draw, learning rate, seed and `what`."""
    named = comparison.arms
    whole = comparison.across_arms if len(named) > 1 else comparison
    rows = final(whole.run.evaluations, whole.design)
    # Where all trials are of one arm, measurements do not carry its name.
    arm = rows["arm"] if len(named) > 1 else (*named, "")[0]
    loss = rows["loss"].where(np.isfinite(rows["loss"]))
    carried = rows["tracker"] == "own"
    what = rows["split"] + " " + rows["statistics"].mask(carried, "own averages")
    return rows.assign(arm=arm, what=what, loss=loss)


def _by_draw(every: pd.DataFrame, tracker: str) -> pd.DataFrame:
    rows = every[every["tracker"].isin(["", "own", tracker])]
    # There is one row for each, except in a run whose rows were written twice.
    values = rows.groupby(["arm", "level", "draw", "seed", "what"])["loss"].first()
    return values.unstack("what").sort_index()


def _losses(by_draw: pd.DataFrame, tuned: dict[Place, Tuned]) -> pd.DataFrame:
    rows = by_draw.reset_index("draw")
    arms = rows.index.get_level_values("arm").to_series(index=rows.index)
    levels = rows.assign(level=rows.index.get_level_values("level"))
    return rows[_chosen(arms, levels, tuned)].drop(columns="draw")


def _at_tuned(rows: pd.DataFrame, arm: str, tuned: dict[Place, Tuned]) -> pd.DataFrame:
    if rows.empty:
        return rows
    names = pd.Series(arm, index=rows.index)
    return rows[_chosen(names, rows, tuned)].reset_index(drop=True)


def _chosen(arms: pd.Series, rows: pd.DataFrame, tuned: dict[Place, Tuned]) -> Array:
    """Whether each row is of the draw that its arm and level chose."""
    draws = {place: one.draw for place, one in tuned.items()}
    places = zip(arms.tolist(), rows["level"].tolist(), strict=True)
    chosen = np.array([draws.get(place, -1) for place in places], int)
    return np.asarray(chosen == rows["draw"].to_numpy(), dtype=bool)


def _network(run: Run, design: Design) -> pd.DataFrame:
    if run.noise.empty:
        return run.noise
    rows = final(run.noise, design)
    return rows[rows["layer"] == "network"]


def _layers(run: Run, design: Design) -> pd.DataFrame:
    return run.statistics if run.statistics.empty else final(run.statistics, design)

"""What a run compares, made once: its design, its arms, final values and readings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from caviar.analysis.run.arms import arms_of, first_arm
from caviar.analysis.run.design import SIZES, Design, design_of
from caviar.analysis.run.divergence import all_diverged
from caviar.analysis.run.draws import (
    BEST_DRAW,
    EVERY_DRAW,
    OF_THE_FIT,
    SHARED_DRAW,
    chosen_draws,
    without_other_draws,
)
from caviar.analysis.run.final_rows import KEYS, at_end, final_values
from caviar.analysis.run.matched_loss import matched_test_loss
from caviar.analysis.run.read import Run, trained_whole
from caviar.analysis.run.small_strings import small_strings
from caviar.analysis.run.trained_with import NotCompared, not_compared, trained_with


@dataclass(frozen=True, eq=False)
class Comparison:
    """A run that compares batch sizes: what every table is computed from.

    `whole` is the run as it was read, `ended` the same at the last step of each trial that was not
    stopped early, and
    `run` the trials of the study's first arm at their last step, without those whose training
    does not read the compared size (`not_compared` counts them); where the study names no arms,
    `run` holds the trials of all. `design` is that of `run`. Values derived from these are
    computed when first asked for, and kept.
    """

    whole: Run
    ended: Run
    run: Run
    design: Design
    arms: tuple[str, ...]

    @cached_property
    def over_time(self) -> Run:
        """The trials of `run` at every measured step."""
        return trained_with(first_arm(trained_whole(self.whole)), self.design.axis)

    @cached_property
    def not_compared(self) -> NotCompared | None:
        """The trials of the first arm that enter no effect of the compared size."""
        return not_compared(first_arm(self.whole), self.design.axis)

    @cached_property
    def final_values(self) -> pd.DataFrame:
        """Losses, accuracy and noise penalty at the last step, one row per seed of a trial.

        And `matched_test_loss`, on the way there.
        """
        matched = matched_test_loss(self.over_time, self.design)
        return final_values(self.run, self.design).merge(matched, how="left", on=KEYS)

    @cached_property
    def chosen_draws(self) -> pd.DataFrame:
        """The draw that each level chooses, once for each seed at which it is read."""
        return chosen_draws(self.run, self.design)

    @cached_property
    def final_readings(self) -> dict[str, pd.DataFrame]:
        """`final_values` under each reading; fits are compared at one draw only."""
        read = self.readings(self.final_values)
        if BEST_DRAW in read:
            read[BEST_DRAW] = without_other_draws(read[BEST_DRAW], self.design.reference)
        return read

    @cached_property
    def at_shared_draw(self) -> pd.DataFrame:
        """`final_values` of all levels at the shared draw, at the seeds that did not choose it;
        empty where nothing can be chosen."""
        rows = self.final_values
        if self.shared_draw is None:
            return rows.iloc[:0]
        shared = rows["draw"] == self.shared_draw
        return rows[shared & rows["seed"].isin(self.chosen_draws["seed"])]

    @cached_property
    def shared_draw(self) -> int | None:
        """The draw that most levels choose, at which fits may be compared; None if none can."""
        return int(self.chosen_draws["draw"].mode().iloc[0]) if self.chooses else None

    @cached_property
    def chooses(self) -> bool:
        """Whether arms can choose among draws, so that there is a second reading."""
        return not self.final_readings.get(BEST_DRAW, pd.DataFrame()).empty

    @property
    def told(self) -> str:
        """The reading that answers, figures and fits speak of.

        Each size at the draw that suits it, chosen on other seeds, as somebody would tune it.
        A mean over draws is ruled by the wildest of a wide range, so it is told only where nothing
        can be chosen.
        """
        return BEST_DRAW if self.chooses else EVERY_DRAW

    def told_values(self, quantity: str) -> tuple[str, pd.DataFrame]:
        """The reading that a quantity is told at, and `final_values` under it.

        That is `told`, but quantities of the fit are compared at one draw for all levels, the one
        that most of them choose.
        """
        if self.chooses and quantity in OF_THE_FIT:
            return SHARED_DRAW, self.at_shared_draw
        return self.told, self.final_readings[self.told]

    def told_rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`rows` under the reading `told`."""
        return self.readings(rows).get(self.told, rows)

    def readings(self, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """`rows` under each reading of the nuisance draws.

        `every draw` keeps all; `best draw` keeps the one chosen for each arm, at the seeds
        that did not choose it. With one draw, or in a plain random search, there is only the
        first.
        """
        read = {EVERY_DRAW: rows}
        if self.design.paired and rows["draw"].nunique() > 1:
            keys = ["facet", "level", "seed", "draw"]
            read[BEST_DRAW] = rows.merge(self.chosen_draws, on=keys)
        return read

    @cached_property
    def across_arms(self) -> Comparison:
        """The same sizes in all arms of the study at once: `arm` is a facet like any other."""
        design = replace(self.design, facets=(*self.design.facets, "arm"))
        return replace(self, run=self.ended, design=design, arms=())

    @property
    def training_examples(self) -> int:
        """The examples of the training split."""
        train = self.run.evaluations["split"] == "train"
        examples = self.run.evaluations.loc[train, "examples"]
        return int(examples.max()) if len(examples) else 0


@dataclass(frozen=True, eq=False)
class NoComparison:
    """A run in which there is nothing to compare, and a sentence that says why.

    `diverged`: that every seed of every trial diverged, with one sentence for each of its learning
    rates and sizes; empty otherwise.
    """

    run: Run
    why: str
    diverged: tuple[str, ...] = ()


@small_strings()
def comparison_of(run: Run) -> Comparison | NoComparison:
    """What a run compares: batch sizes of its first arm, once a trial that counts was measured."""
    whole = trained_whole(run)
    arms, of_first = arms_of(run), first_arm(whole)
    design = design_of(of_first)
    compared = trained_with(of_first, design.axis) if design else of_first
    if compared.evaluations.empty:
        no_trial = f"No trial of the arm {arms[0]}" if arms else "No trial"
        uses = (
            f" that uses {design.axis} in training" if design and compared is not of_first else ""
        )
        return NoComparison(run, f"{no_trial}{uses} has finished yet: come back later.")
    diverged = all_diverged(compared)
    if diverged:
        return NoComparison(run, diverged[0], diverged)
    if design is None:
        return NoComparison(run, _why_nothing(of_first))
    ended = at_end(whole)
    return Comparison(run, ended, ended if compared is whole else at_end(compared), design, arms)


def _why_nothing(run: Run) -> str:
    """Why no size is compared: none differs, or only in trials that do not train with it."""
    for size in SIZES:
        without = not_compared(run, size)
        if without and run.trials[size].nunique() > 1:
            return (
                f"{size} differs only between trials whose training does not use it "
                f"({without.reason}): there is nothing to compare."
            )
    return "All trials have the same batch sizes: there is nothing to compare."

"""Everything a report says about a run, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design, design_of
from caviar.analysis.run.read import Run
from caviar.analysis.scorecard.verdicts import scorecard
from caviar.analysis.tables import batch_noise as noise
from caviar.analysis.tables import penalty_exponent as penalty_scaling
from caviar.analysis.tables import regularization
from caviar.analysis.tables import running_error_parts as error_parts
from caviar.analysis.tables import running_statistics as test_time
from caviar.analysis.tables.best_decay import best_decay, memory_scaling
from caviar.analysis.tables.comparisons import BEST_DRAW, EVERY_DRAW, at_end, chosen_draws
from caviar.analysis.tables.control_arms import arm_effects, first_arm, mechanism_shares
from caviar.analysis.tables.data_sets import across_data_sets
from caviar.analysis.tables.designs import designs_beside
from caviar.analysis.tables.equivalent_dropout import equivalent_dropout
from caviar.analysis.tables.specification_curve import specifications
from caviar.analysis.tables.tuning import drawn_fields, tuning, tuning_spread, values_of_draws


@dataclass(frozen=True)
class Findings:
    """A run, what it compares, and the tables of both questions by name.

    Where the study names arms, design and tables are those of the first; `arm_effects` is about
    all. A run in which no batch size differs, or nothing of the first arm was measured yet, has
    no design and no tables.
    """

    run: Run
    design: Design | None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    beside: tuple[Run, ...] = ()

    def table(self, name: str, reading: str = EVERY_DRAW) -> pd.DataFrame:
        """A table under one reading; empty where the run has nothing for it."""
        found = self.tables.get(name, pd.DataFrame())
        return found[found["reading"] == reading] if "reading" in found else found

    @property
    def chooses(self) -> bool:
        """Whether arms can choose among draws, so that there is a second reading."""
        return not self.table("losses", BEST_DRAW).empty


def find(run: Run, beside: Sequence[Run] = ()) -> Findings:
    """Compute every table, `designs` from the runs to be set beside this one.

    Raises ValueError where these have no size in common with it.
    """
    whole, over_time = run, first_arm(run)
    design = design_of(over_time)
    if design is None or over_time.evaluations.empty:
        return Findings(whole, None)
    run = first_arm(ended := at_end(whole))
    effects = regularization.effect_of_size(run, design)
    penalties = noise.penalties(run, design)
    parts = error_parts.error_parts(run, design)
    effects_of_arms = arm_effects(ended, design)
    tables = {
        "noise_penalty": regularization.noise_penalty(run, design),
        "noise_penalty_exponent": penalty_scaling.penalty_exponents(run, design),
        "trends": regularization.trends(run, design),
        "effect_of_size": effects,
        "losses": regularization.losses(run, design),
        "best_size": regularization.best_size(run, design),
        "verdicts": regularization.verdicts(effects),
        "chosen_draws": chosen_table(run, design),
        "statistics_error": test_time.statistics_error(run, design),
        "running_damage": test_time.running_damage(run, design),
        "error_parts": parts,
        "error_parts_over_decay": error_parts.of_one_size(parts),
        "error_parts_over_time": error_parts.error_parts_over_time(over_time, design),
        "repairs": test_time.repairs(run, design),
        "penalties": penalties,
        "penalty_split": noise.at_own_size(penalties),
        "gradient_noise": noise.gradient_noise(run, design),
        "batch_noise": noise.batch_noise(run, design),
        "best_decay": best_decay(run, design),
        "memory_scaling": memory_scaling(run, design),
        "arm_effects": effects_of_arms,
        "mechanism_shares": mechanism_shares(effects_of_arms),
        "equivalent_dropout": equivalent_dropout(ended, design),
        **_of_draws(run, design),
        **_of_several([ended, *map(at_end, beside)]),
        "scorecard": scorecard(whole, design),
        "trials": trials_table(whole),
    }
    return Findings(whole, design, tables, tuple(beside))


def _of_draws(run: Run, design: Design) -> dict[str, pd.DataFrame]:
    """The tables that set the draws of a search beside each other."""
    return {"tuning": tuning(run, design), "tuning_spread": tuning_spread(run, design)}


def _of_several(runs: Sequence[Run]) -> dict[str, pd.DataFrame]:
    """The tables of a run and those beside it."""
    return {
        "specifications": specifications(runs),
        "designs": designs_beside(runs) if len(runs) > 1 else pd.DataFrame(),
        "across_data_sets": across_data_sets(runs),
    }


def chosen_table(run: Run, design: Design) -> pd.DataFrame:
    """What the best draw of each arm is: for every drawn field, the values that seeds chose.

    `at_edge` counts seeds whose choice is the lowest or highest drawn, so that a better one may
    lie outside. Empty where nothing can be chosen.
    """
    drawn = drawn_fields(run)
    if not design.paired or run.trials["draw"].nunique() < 2:
        return pd.DataFrame()
    values = values_of_draws(run, drawn)
    rows = []
    for (facet, level), arm in chosen_draws(run, design).groupby(["facet", "level"]):
        for name in drawn:
            chosen = arm["draw"].map(values[name])
            edge = chosen.isin([values[name].min(), values[name].max()])
            rows.append(
                {
                    "facet": facet,
                    "level": level,
                    "field": name,
                    "lowest": chosen.min(),
                    "median": chosen.median(),
                    "highest": chosen.max(),
                    "seeds": len(chosen),
                    "at_edge": int(edge.sum()),
                }
            )
    return pd.DataFrame(rows)


def trials_table(run: Run) -> pd.DataFrame:
    """One row a trial: what varied and how it ended."""
    varied = [
        c
        for c in run.trials.columns
        if c not in ("trial_id", "seeds") and run.trials[c].map(str).nunique() > 1
    ]
    ended = run.outcomes[["trial_id", "status", "seconds", "steps", "diverged_seeds", "error"]]
    table = run.trials[["trial_id", *varied]].merge(ended, on="trial_id", how="left")
    table["diverged_seeds"] = table["diverged_seeds"].map(
        lambda seeds: len(seeds) if isinstance(seeds, list | np.ndarray) else 0
    )
    return table.assign(status=table["status"].fillna("not yet tried"))

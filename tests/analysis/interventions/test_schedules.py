from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.interventions.columns import SCHEDULE
from caviar.analysis.interventions.schedules import (
    Pair,
    effects_of_schedules,
    pairs_of,
    told_of_schedules,
)
from caviar.analysis.statistics.intervals import mean_interval
from tests.analysis.interventions.arms import arms_run

MINUS = "\N{MINUS SIGN}"


def test_an_arm_is_held_against_the_one_that_is_the_same_without_its_changes() -> None:
    assert pairs_of(arms_run(-0.05)) == (Pair("edited", "unedited"),)
    assert pairs_of(arms_run(-0.05, dropout=0.5)) == ()
    assert pairs_of(arms_run(-0.05, changes=())) == ()


def test_the_effect_is_paired_by_seed_at_the_end() -> None:
    table = effects_of_schedules(arms_run(-0.05, damage=0.02))
    assert list(table.columns) == [column.name for column in SCHEDULE.columns]
    by_seed = -0.05 + 0.001 * (np.arange(8) % 4 - 1.5)
    interval = mean_interval(by_seed, np.random.default_rng(0))
    row = table.query("statistics == 'population' and quantity == 'test_loss'").iloc[0]
    assert row[["mean", "low", "high"]].tolist() == pytest.approx(interval[:3], abs=1e-12)
    assert (row["units"], row["left_out"]) == (8, 0)


def test_the_running_average_is_the_one_whose_decay_is_in_force_at_the_end() -> None:
    """Any other one adds 5 nats."""
    table = effects_of_schedules(arms_run(-0.05, damage=0.02))
    row = table.query("statistics == 'running' and quantity == 'test_loss'").iloc[0]
    assert row["mean"] == pytest.approx(-0.03, abs=1e-9)


@pytest.mark.parametrize(
    ("effect", "word"), [(-0.05, "Yes"), (0.05, "No"), (0.001, "No"), (-0.0055, "Yes")]
)
def test_yes_is_said_where_the_interval_and_what_counts_license_it(
    effect: float, word: str
) -> None:
    (says,) = told_of_schedules(effects_of_schedules(arms_run(effect)))
    assert says.startswith(f"{word}, with population statistics: edited less unedited on 8 seeds, ")


def test_a_wide_interval_is_not_decided_and_few_seeds_have_none() -> None:
    (open_,) = told_of_schedules(effects_of_schedules(arms_run(-0.0049)))
    assert open_.startswith("Not decided, with population statistics: ")
    (wide,) = told_of_schedules(effects_of_schedules(arms_run(-0.01, wide=20)))
    assert wide.startswith("Not decided, with population statistics: ")
    (few,) = told_of_schedules(effects_of_schedules(arms_run(-0.05, seeds=4)))
    assert few.startswith("Not known (an interval takes 5 seeds), with population statistics: ")


def test_crossed_sizes_have_a_sentence_each() -> None:
    told = told_of_schedules(effects_of_schedules(arms_run(-0.05, sizes=(8, 64))))
    assert [says.partition(":")[0] for says in told] == [
        "At norm_batch_size = 8",
        "At norm_batch_size = 64",
    ]
    assert all(f"test loss lower, {MINUS}0.05 [" in says for says in told)

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.interventions.effects import AT_END, EDIT, EPOCH_AFTER, TOTAL, effects_of_edits
from caviar.analysis.statistics.intervals import mean_interval
from tests.analysis.interventions.made import Array, Made, Point, panda

CHAIN = (
    Made(0, 20, "learning_rate = 0.03"),
    Made(1, 40, "reset dense2"),
    Made(2, 95, "decay = 0.9"),
)


def at_end(effects: pd.DataFrame, quantity: str = "loss") -> pd.DataFrame:
    """The test rows under population statistics at the end."""
    return effects[
        (effects["when"] == AT_END)
        & (effects["split"] == "test")
        & (effects["statistics"] == "population")
        & (effects["quantity"] == quantity)
    ]


def uneven(point: Point, seeds: int) -> Array:
    """Every lineage, update, split and reading has values of its own, and so has every seed."""
    place = (point.lineage, point.step, *map(len, (point.split, point.statistics)))
    losses: Array = 2.0 + np.random.default_rng(place).normal(0, 0.1, seeds)
    return losses


def test_an_effect_is_the_edited_training_less_its_parent_at_the_same_update() -> None:
    effects = effects_of_edits(panda(CHAIN, uneven))
    for row in effects[effects["quantity"] == "loss"].itertuples():
        read = (row.read_step, row.split, row.statistics)
        by_seed = uneven(Point(row.lineage, *read), 8) - uneven(Point(row.against, *read), 8)
        interval = mean_interval(by_seed, np.random.default_rng(0))
        assert (row.mean, row.low, row.high) == pytest.approx(interval[:3], abs=1e-12)
        assert (row.units, row.left_out) == (8, 0)


def test_it_is_read_an_epoch_after_the_edit_and_at_the_end() -> None:
    effects = effects_of_edits(panda(CHAIN, uneven))
    read = effects.groupby(["kind", "lineage", "when"])["read_step"].unique().map(list).to_dict()
    assert read == {
        (EDIT, 1, EPOCH_AFTER): [30],
        (EDIT, 1, AT_END): [100],
        (EDIT, 2, EPOCH_AFTER): [50],
        (EDIT, 2, AT_END): [100],
        (EDIT, 3, AT_END): [100],  # Less than an epoch was left.
        (TOTAL, 3, AT_END): [100],
    }
    (split, *_) = effects["split"]
    assert split == "test" and set(effects["statistics"]) == {"population", "running"}


def test_effects_along_a_chain_add_up_to_the_total() -> None:
    effects = at_end(effects_of_edits(panda(CHAIN, uneven)))
    each, total = (effects.loc[effects["kind"] == kind, "mean"] for kind in (EDIT, TOTAL))
    assert each.sum() == pytest.approx(total.item(), abs=1e-12) and total.item() != 0


def test_what_was_undone_is_no_part_of_the_total() -> None:
    effects = at_end(effects_of_edits(panda(CHAIN, uneven, moved_to=2)))
    assert effects.loc[effects["kind"] == TOTAL, "lineage"].tolist() == [2]
    assert not (effects_of_edits(panda(CHAIN, moved_to=0))["kind"] == TOTAL).any()


def test_a_training_that_has_not_ended_has_no_effect_at_the_end() -> None:
    effects = effects_of_edits(panda(CHAIN, uneven, left=(2,)))
    ended = effects[effects["when"] == AT_END]
    assert set(zip(ended["kind"], ended["lineage"], strict=True)) == {(EDIT, 1), (TOTAL, 3)}
    assert (effects["when"] == EPOCH_AFTER).groupby(effects["lineage"]).any()[2]


def test_seeds_that_diverged_are_left_out_and_counted() -> None:
    def loss(point: Point, seeds: int) -> Array:
        losses = uneven(point, seeds)
        if point.lineage == 1:
            losses[3] = math.inf
        if point.lineage == 0:
            losses[[3, 5]] = math.nan
        return losses

    (row,) = at_end(effects_of_edits(panda(CHAIN[:1], loss))).query("kind == 'edit'").itertuples()
    assert (row.units, row.left_out) == (6, 2) and math.isfinite(row.high)


def test_an_accuracy_differs_by_at_most_one() -> None:
    """Four seeds lose all of it and one 80 %: Student's interval of that reaches below -1."""
    lost = 2 * np.array([1.0, 1.0, 1.0, 1.0, 0.8])
    run = panda(CHAIN[:1], lambda point, seeds: lost * point.lineage, seeds=5)
    effects = at_end(effects_of_edits(run), "accuracy")
    assert effects["mean"].to_numpy() == pytest.approx(-0.96) and (effects["low"] == -1).all()


def test_four_seeds_have_no_interval_and_no_edit_has_no_row() -> None:
    few = effects_of_edits(panda(CHAIN[:1], uneven, seeds=4))
    assert few["mean"].notna().all() and few["low"].isna().all()
    assert effects_of_edits(panda([], refused=1)).empty


LAWS = {
    "normal": lambda generator, n: generator.normal(0, 1, n),
    "heavy tails": lambda generator, n: generator.standard_t(3, n),
    "skew": lambda generator, n: generator.exponential(1, n) - 1,
    "even": lambda generator, n: generator.uniform(-1, 1, n),
}


def held(law: str, edits: int) -> float:
    """The share of intervals of eight seeds that hold the true effect."""
    generator = np.random.default_rng(1)
    truth = generator.normal(0, 0.01, edits)
    by_seed = np.array([t + 0.02 * LAWS[law](generator, 8) for t in truth])
    losses = np.vstack([np.zeros((1, 8)), by_seed]) + 10
    made = [Made(0, 95, "learning_rate = 0.03")] * edits
    how = {"splits": ["test"], "statistics": ["population"], "steps": [100]}
    run = panda(made, lambda point, seeds: losses[point.lineage], **how)
    effects = at_end(effects_of_edits(run)).query("kind == 'edit'").sort_values("lineage")
    assert len(effects) == edits
    inside = (effects["low"].to_numpy() <= truth) & (truth <= effects["high"].to_numpy())
    return float(inside.mean())


def test_intervals_of_eight_seeds_hold_the_true_effect() -> None:
    """Of 500, by a standard error of 1 %; exactly in the slow test below."""
    assert 0.94 <= held("normal", 500) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_intervals_hold_93_to_97_percent_for_every_law(law: str) -> None:
    assert 0.93 <= held(law, 6000) <= 0.975

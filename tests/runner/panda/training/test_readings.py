"""Readings: the numbers of the tables, at steps that no clock decides, drawn from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.records import Evaluation, Noise, StatisticsError
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.data.splits import make_splits
from caviar.runner.panda.training.readings import FEWEST, MOST, read, reading_moments, steps_of
from caviar.runner.trial.build import build
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def test_a_reading_has_the_numbers_of_the_tables_at_the_last_step() -> None:
    config = PLAN.trials[0]
    training, splits = build(config, PLAN.data), make_splits(PLAN.data, config)
    *records, last = train(training, splits, until=config.steps)
    assert isinstance(last, Snapshot) and last.step == config.steps
    reading = read(training, splits, last.state, 0, config.trial_id)
    rows = [r for r in records if isinstance(r, Evaluation) and r.step == config.steps]
    for (split, statistics), score in reading.scores.items():
        tracker = "unbiased/0.9" if statistics == "running" else ""
        same = [
            row
            for row in rows
            if (row.split, row.statistics, row.tracker) == (split, statistics, tracker)
        ]
        if split == "train" and statistics == "running":
            continue  # The tables lack it.
        np.testing.assert_array_equal(score.loss, same[0].loss)
        np.testing.assert_array_equal(score.accuracy, same[0].accuracy)
    (batch,) = (r for r in rows if (r.split, r.statistics) == ("train", "batch"))
    np.testing.assert_array_equal(reading.train_mode_loss, batch.loss)
    (error,) = (
        r
        for r in records
        if isinstance(r, StatisticsError) and (r.step, r.tracker) == (config.steps, "unbiased/0.9")
    )
    (layer,) = reading.layers
    np.testing.assert_array_equal(layer.mean_error, error.mean_error)
    np.testing.assert_array_equal(layer.variance_error, error.variance_error)
    (noise,) = (
        r for r in records if isinstance(r, Noise) and (r.layer, r.norm_batch_size) == ("norm1", 4)
    )
    np.testing.assert_allclose(layer.batch_noise, noise.mean_variance, rtol=0.6)
    weight, gamma = (
        last.state.parameters[n][k] for n, k in (("dense1", "weight"), ("norm1", "gamma"))
    )
    np.testing.assert_allclose(layer.weight_norm, np.linalg.norm(weight, axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(layer.gamma_norm, np.linalg.norm(gamma, axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_a_network_without_batch_norm_has_one_score_per_split(norm: str) -> None:
    from tests.runner.helpers import plan_of, tiny

    plan = plan_of(*tiny(f"norm={norm}", "norm_batch_size=16"), trials=1)
    config = plan.trials[0]
    training, splits = build(config, plan.data), make_splits(plan.data, config)
    *_, last = train(training, splits, until=5)
    assert isinstance(last, Snapshot)
    reading = read(training, splits, last.state, 0, config.trial_id)
    assert {statistics for _, statistics in reading.scores} == {"population"}
    np.testing.assert_array_equal(
        reading.train_mode_loss, reading.scores["train", "population"].loss
    )
    assert reading.layers == ()


def test_how_many_readings_depends_on_what_they_cost() -> None:
    config = PLAN.trials[0]
    training, splits = build(config, PLAN.data), make_splits(PLAN.data, config)
    assert reading_moments(training, splits) == FEWEST
    from dataclasses import replace

    assert reading_moments(replace(training, steps=10**6), splits) == MOST
    assert reading_moments(replace(training, steps=7), splits) == 7


def test_steps_are_marked_where_any_lineage_begins_and_an_epoch_later() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 31")
    panda.ask("set momentum=0.4 --at 118")
    tree = panda.worker.tree
    twin = steps_of(tree, 0, 4, 6)
    assert twin == {30, 60, 90, 120, 31, 37, 118}
    assert steps_of(tree, 1, 4, 6) == {step for step in twin if step > 31}
    assert steps_of(tree, 2, 4, 6) == {120}

"""Momentum batch norm: what it normalises by, and what training carries."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.momentum_batch_norm import MomentumBatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.records import Curve
from tests.model.helpers import (
    normal,
    only,
    records_of,
    small_mlp,
    small_splits,
    small_training,
)

X = 2 * normal(0, 2, 12, 5) + 3
UNIT = {"gamma": np.ones((2, 1, 5)), "beta": np.zeros((2, 1, 5))}
MEAN, VARIANCE = normal(7, 2, 1, 5), 1 + normal(8, 2, 1, 5) ** 2


def _after(updates: int) -> Parameters:
    return {
        "reference_mean": MEAN,
        "reference_variance": VARIANCE,
        "reference_updates": np.full((2, 1, 1), float(updates)),
    }


@pytest.mark.parametrize("m", [3, 4, 12])
@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9])
def test_a_ghost_is_normalised_by_the_blend_of_its_own_and_the_running_statistics(
    m: int, weight: float
) -> None:
    z, _ = Norm(MomentumBatchNorm(m, weight, 0.1)).forward(UNIT | _after(3), X, ())
    for start in range(0, 12, m):
        ghost = X[:, start : start + m]
        mean = weight * MEAN + (1 - weight) * ghost.mean(axis=1, keepdims=True)
        variance = weight * VARIANCE + (1 - weight) * ghost.var(axis=1, keepdims=True)
        expected = (ghost - mean) / np.sqrt(variance + 0.1)
        np.testing.assert_allclose(z[:, start : start + m], expected, rtol=1e-10)


def test_of_one_ghost_a_step_these_are_the_statistics_carried_on() -> None:
    """Yong et al. 2020, section 4: the running statistics already hold the batch."""
    layer = Norm(MomentumBatchNorm(12, 0.7, 0.1))
    z, tape = layer.forward(UNIT | _after(3), X, ())
    after = layer.follow(_after(3), tape)
    deviation = np.sqrt(after["reference_variance"] + 0.1)
    np.testing.assert_allclose(z, (X - after["reference_mean"]) / deviation, rtol=1e-10)
    np.testing.assert_array_equal(after["reference_updates"], 4)


def test_the_first_step_is_batch_norm_and_its_statistics_are_copied() -> None:
    layer, plain = Norm(MomentumBatchNorm(4, 0.7, 0.1)), Norm(BatchNorm(4, 0.1))
    start = layer.references(UNIT["gamma"])
    y, tape = layer.forward(UNIT | start, X, ())
    y_plain, tape_plain = plain.forward(UNIT, X, ())
    np.testing.assert_allclose(y, y_plain, rtol=1e-12)
    dy = normal(5, *X.shape)
    dx, _ = layer.backward(UNIT | start, tape, dy)
    np.testing.assert_allclose(dx, plain.backward(UNIT, tape_plain, dy)[0], atol=1e-12)
    after = layer.follow(start, tape)
    ghosts = X.reshape(2, 3, 4, 5)
    np.testing.assert_allclose(after["reference_mean"][:, 0], X.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(
        after["reference_variance"][:, 0], ghosts.var(axis=2).mean(axis=1), rtol=1e-12
    )


def test_without_weight_it_is_batch_norm_at_every_step() -> None:
    y, _ = Norm(MomentumBatchNorm(4, 0.0)).forward(UNIT | _after(9), X, ())
    np.testing.assert_allclose(y, Norm(BatchNorm(4)).forward(UNIT, X, ())[0], rtol=1e-12)


def test_the_noise_of_the_mean_falls_as_the_weight_says() -> None:
    """The carried mean has (1 - w) / (1 + w) of a batch mean's variance at fixed weights."""
    layer, generator = Norm(MomentumBatchNorm(4, 0.5)), np.random.default_rng(0)
    unit = {"gamma": np.ones((1, 1, 4000)), "beta": np.zeros((1, 1, 4000))}
    state = layer.references(unit["gamma"])
    for _ in range(40):
        _, tape = layer.forward(unit | state, generator.standard_normal((1, 4, 4000)), ())
        state = layer.follow(state, tape)
    expected = 1 / 4 / 3
    error = expected * np.sqrt(2 / 4000)
    assert abs(np.mean(state["reference_mean"] ** 2) - expected) < 4 * error


def test_a_stack_of_replicas_trains_as_each_alone() -> None:
    splits = small_splits(2)
    network = small_mlp(norm=Norm(MomentumBatchNorm(8, 0.6)))
    together = records_of(Curve, small_training(network=network, seeds=(0, 1)), splits)
    for r in range(2):
        alone = records_of(Curve, small_training(network=network, seeds=(r,)), only(splits, r))
        for one, row in zip(alone, together, strict=True):
            np.testing.assert_allclose(one.loss[0], row.loss[r], rtol=1e-10)

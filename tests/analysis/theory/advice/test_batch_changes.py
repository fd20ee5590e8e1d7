"""What is advised about the norm batch itself, and what it gains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.theory.question import Question
from tests.analysis.theory.changes import actions


@pytest.mark.parametrize("m", [2, 3, 4])
def test_batches_without_finite_noise(m: int) -> None:
    action = actions(Question(m, 0.999)).get("larger_batch")
    assert (action is not None) == (m < 4)
    if action:
        assert ("+1 or -1" in action.gain) == (m == 2)
        assert ("no finite variance" in action.gain) == (m == 3)
        assert action.before[0] == pytest.approx(1.5 / (m + 1.5))
        assert action.after[0] == pytest.approx(1.5 / (8 + 1.5))


def test_devices_and_convolutions() -> None:
    images = Question(4, 0.9, positions=196, devices=8)
    told = actions(images, "pytorch")
    assert list(told) == ["recompute", "sync", "decay", "group_norm"]
    sync = told["sync"]
    assert "torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)" in sync.do
    assert sync.value == 32
    assert sync.before == pytest.approx((1.5 / 5.5, 1.5 / 785.5))
    assert sync.after == pytest.approx((1.5 / 33.5, 1.5 / (32 * 196 + 1.5)))
    alone = actions(replace(images, devices=1), "pytorch")
    assert "torch.nn.GroupNorm(32, channels)" in alone["group_norm"].do
    assert "group_norm" not in actions(replace(images, devices=1, norm_batch_size=8))
    assert not {"sync", "group_norm"} & set(actions(replace(images, effective_positions=20.0)))
    assert "10.6 points" in alone["group_norm"].gain
    assert "larger_batch" not in actions(Question(2, 0.9, positions=196))


def noise_of_its_own_batch(m: int, random: np.random.Generator) -> float:
    """Variance of a normalised example over the other examples of its batch, over examples."""
    others = random.standard_normal((100, 1500, m - 1))
    example = np.broadcast_to(random.standard_normal((100, 1, 1)), (100, 1500, 1))
    batch = np.concatenate([example, others], axis=-1)
    x_hat = (batch[..., 0] - batch.mean(axis=-1)) / batch.std(axis=-1)
    return float(x_hat.var(axis=1).mean())


def test_the_noise_that_is_said_is_that_of_normalised_inputs() -> None:
    """As a rate of dropout, p / (1 - p) is its variance; leading order, 12 % high at m = 4."""
    sync = actions(Question(4, 0.9, devices=8))["sync"]
    random = np.random.default_rng(0)
    for rate, m in ((sync.before[0], 4), (sync.after[0], 32)):
        assert rate / (1 - rate) == pytest.approx(noise_of_its_own_batch(m, random), rel=0.2)

"""What is advised about the norm batch itself, and what it gains."""

from __future__ import annotations

from dataclasses import replace

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
    assert list(told) == ["recompute", "sync", "decay"]
    sync = told["sync"]
    assert "torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)" in sync.do
    assert sync.value == 32
    assert sync.before == pytest.approx((1.5 / 5.5, 1.5 / 785.5))
    assert sync.after == pytest.approx((1.5 / 33.5, 1.5 / (32 * 196 + 1.5)))
    alone = actions(replace(images, devices=1), "pytorch")
    assert "torch.nn.GroupNorm(32, channels)" in alone["group_norm"].do
    assert "group_norm" not in actions(replace(images, devices=1, norm_batch_size=8))
    assert "sync" not in actions(replace(images, effective_positions=20.0))
    assert "larger_batch" not in actions(Question(2, 0.9, positions=196))

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from caviar.runner.torch_models.watching.batch_moments import BatchMoments, batch_moments


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (4, 3, 2, 5), (2, 3, 2, 2, 2)])
@pytest.mark.parametrize("device", ["cpu", "other"])
def test_moments_are_over_all_axes_but_the_second(
    shape: tuple[int, ...], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device == "other":
        monkeypatch.setattr("caviar.runner.torch_models.watching.batch_moments.KERNELS", ())
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 1
    batch = batch_moments(x)
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(batch.mean, x.numpy().mean(axes), rtol=1e-5)
    np.testing.assert_allclose(batch.variance, x.numpy().var(axes), rtol=1e-5)
    assert (batch.values, batch.examples) == (x.numel() // 3, shape[0])


def test_half_precision_is_read_as_single() -> None:
    x = torch.full((4, 2), 300.0, dtype=torch.float16)
    x[0] = 60000
    assert batch_moments(x).variance.tolist() == pytest.approx([3 / 16 * 59700**2] * 2, rel=1e-3)


def test_only_batches_of_training_are_gathered_in_pieces_of_one_size() -> None:
    norm, frozen = nn.BatchNorm1d(2), nn.BatchNorm1d(2).eval()
    hooks = BatchMoments({"norm": norm, "frozen": frozen})
    for size in (4, 4, 3):
        x = torch.randn(size, 2)
        norm(input=x)
        frozen(x)
    norm.eval()(torch.randn(4, 2))
    with pytest.raises(ValueError, match="more than 1 value"):
        norm.train()(torch.randn(1, 2))
    assert hooks.size == 4
    taken = hooks.take()
    assert list(taken) == ["norm"] and not hooks.take() and hooks.size is None
    assert [(p.values, p.moments.mean.shape) for p in taken["norm"]] == [
        (4, (1, 2, 2)),
        (3, (1, 1, 2)),
    ]
    hooks.close()
    assert not norm._forward_hooks and not frozen._forward_hooks

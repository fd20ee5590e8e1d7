from __future__ import annotations

import pytest
import torch

from caviar.runner.torch_models.running.moments import (
    Sums,
    TensorMoments,
    averaged,
    centre_of,
    group_moments,
    row_moments,
)
from tests.runner.torch_models.nets import images


def test_groups_have_their_own_mean_and_biased_variance() -> None:
    x = images(12)[0].expand(-1, 3, -1, -1) * torch.tensor([1.0, 2.0, -3.0])[:, None, None]
    mean, variance = group_moments(x, 4)
    by_group = x.reshape(3, 4, 3, 36).permute(0, 2, 1, 3).reshape(3, 3, 144)
    torch.testing.assert_close(mean, by_group.mean(dim=2), rtol=0, atol=1e-14)
    expected = by_group.var(dim=2, correction=0)
    torch.testing.assert_close(variance, expected, rtol=1e-13, atol=0)


def test_a_large_mean_in_single_precision_takes_nothing_from_the_variance() -> None:
    generator = torch.Generator().manual_seed(0)
    x = (torch.randn(4096, 2, generator=generator) + 1000).float()
    variance = group_moments(x, 4096).variance[0]
    expected = x.double().var(dim=0, correction=0)
    torch.testing.assert_close(variance, expected, rtol=1e-6, atol=0)


def test_half_precision_is_summed_in_single() -> None:
    x = images(300)[0].half().expand(-1, 2, -1, -1) * 100
    mean, variance = group_moments(x, 300)
    wide = x.double()
    torch.testing.assert_close(mean[0], wide.mean(dim=(0, 2, 3)), rtol=1e-6, atol=1e-6)
    expected = wide.var(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(variance[0], expected, rtol=1e-6, atol=0)


def test_parts_give_what_all_rows_at_once_give() -> None:
    x = images(10)[0].expand(-1, 2, -1, -1)
    centre = centre_of(x) + 0.3
    first, last = (Sums.of(row_moments(part, centre)) for part in (x[:3], x[3:]))
    both = first.plus(last).moments(centre)
    whole = group_moments(x, 10)
    torch.testing.assert_close(both.mean, whole.mean, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(both.variance, whole.variance, rtol=1e-12, atol=0)


@pytest.mark.parametrize("keep, expected", [(1.0, (2.0, 3.0)), (0.5, (7 / 3, 8 / 3))])
def test_several_calls_are_averaged_as_updates_are(
    keep: float, expected: tuple[float, float]
) -> None:
    values = torch.tensor([[[1.0]], [[4.0]], [[3.0]], [[2.0]]])
    mean, variance = averaged([TensorMoments(*values[:2]), TensorMoments(*values[2:])], keep)
    assert (mean.item(), variance.item()) == pytest.approx(expected)

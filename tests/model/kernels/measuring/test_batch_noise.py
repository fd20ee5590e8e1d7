from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.kernels.measuring.batch_noise import batch_noise
from caviar.model.measurements.batch_noise import batch_noise as plain

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("features", [3, 21, 45])
@pytest.mark.parametrize("sizes", [(2, 4, 16), (3, 100), (70,), (120,)])
def test_noise_is_that_of_the_plain_lines(
    dtype: type, features: int, sizes: tuple[int, ...]
) -> None:
    """From the same draws: in whole batches or not, with features that do not vary."""
    rng = np.random.default_rng(features)
    around = rng.standard_normal((120, features)) * rng.gamma(2.0, size=features)
    h: Array = (2 + around).astype(dtype)
    h[:, features // 2 + 1 : features // 2 + 3] = 0.25
    draws = np.random.default_rng(7), np.random.default_rng(7)
    ours, theirs = batch_noise(h, sizes, 1e-3, draws[0]), plain(h, sizes, 1e-3, draws[1])
    assert list(ours) == list(theirs)
    for size in sizes:
        one: dict[str, Any] = ours[size]._asdict()
        for name, value in theirs[size]._asdict().items():
            np.testing.assert_allclose(one[name], value, rtol=1e-12, atol=1e-12)
    assert draws[0].integers(10**9) == draws[1].integers(10**9)


def test_where_no_feature_varies_nothing_is_told() -> None:
    ours, theirs = (
        noise(np.ones((8, 3)), (2, 4), 1e-3, np.random.default_rng(0))
        for noise in (batch_noise, plain)
    )
    assert ours[2].batches == theirs[2].batches
    assert np.isnan(ours[4][1:]).tolist() == np.isnan(theirs[4][1:]).tolist()


def test_no_sizes_draw_nothing_and_too_large_ones_are_refused() -> None:
    generator = np.random.default_rng(1)
    assert batch_noise(np.ones((8, 3)), (), 1e-3, generator) == {}
    assert generator.integers(10**9) == np.random.default_rng(1).integers(10**9)
    with pytest.raises(ValueError, match="a batch of 9 cannot be drawn from 8 examples"):
        batch_noise(np.ones((8, 3)), (2, 9), 1e-3, generator)

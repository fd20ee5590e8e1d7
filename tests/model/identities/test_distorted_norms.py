"""Identities of arms that put x_hat through a scale and a shift."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.noise.injected_noise import NoisyNorm, ShiftAndScaleNoise
from caviar.model.norms.norm import Norm
from tests.model.helpers import (
    checked,
    normal,
    two_norms,
)

DTYPES: list[DTypeLike] = [np.float32, np.float64]


@pytest.mark.parametrize(("r_max", "d_max"), [(1.0, 0.0), (np.inf, np.inf), (3.0, 5.0)])
def test_renorm_passes_whatever_its_limits(r_max: float, d_max: float) -> None:
    for dtype in DTYPES:
        invariants = checked(
            two_norms(Norm(BatchRenorm(8, r_max, d_max, 0.9, 10))),
            normal(0, 2, 64, 9).astype(dtype),
        )
        assert invariants.passed, invariants


def test_noise_shared_by_a_last_short_group_passes() -> None:
    """The noise arms take the whole training split, which the ghost size need not divide."""
    network = two_norms(Norm(NoisyNorm(8, 1e-5, ShiftAndScaleNoise(8))))
    assert checked(network, normal(0, 2, 61, 9)).passed
    assert checked(network, normal(0, 2, 5, 9)).passed

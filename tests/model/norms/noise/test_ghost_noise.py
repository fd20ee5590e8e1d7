"""Noise from other ghosts: values by direct computation, and how many lend."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.noise.ghost_noise import GhostNoiseNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import normal

EPSILON = 0.05
UNIT: Parameters = {"gamma": np.ones((2, 1, 5)), "beta": np.zeros((2, 1, 5))}


@pytest.mark.parametrize("batch", [12, 14])
def test_a_ghost_is_standardised_by_the_statistics_of_the_next(batch: int) -> None:
    """Of 14 examples the last two are a short ghost: it borrows, and lends nothing."""
    x = 2 * normal(0, 2, batch, 5) + 3
    y, tape = Norm(GhostNoiseNorm(4, EPSILON)).forward(UNIT, x, ())
    for i in range(batch):
        lender = x[:, slice(4 * ((i // 4 + 1) % 3), 4 * ((i // 4 + 1) % 3) + 4)]
        deviation = np.sqrt(lender.var(axis=1) + EPSILON)
        np.testing.assert_allclose(y[:, i], (x[:, i] - lender.mean(axis=1)) / deviation)
    assert tape.moments is not None
    np.testing.assert_allclose(tape.moments.variance[:, 0], x.var(axis=1))


def test_one_ghost_is_batch_norm() -> None:
    x = normal(0, 2, 12, 5)
    y, _ = Norm(GhostNoiseNorm(12, EPSILON)).forward(UNIT, x, ())
    np.testing.assert_allclose(y, Norm(BatchNorm(12, EPSILON)).forward(UNIT, x, ())[0], atol=1e-12)

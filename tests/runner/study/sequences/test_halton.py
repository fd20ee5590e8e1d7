"""The points are SciPy's, whatever the seed, the dimensions and the first of them."""

from __future__ import annotations

import platform

import numpy as np
import pytest
from scipy.stats import qmc

from caviar.runner.study.sequences.halton import halton

FUSED = 0.0 if platform.machine() == "x86_64" else 1e-15
"""Other processors round SciPy's product and sum at once, so that its last digit is another."""


@pytest.mark.parametrize("seed", [0, 1, 3, 20261128, 2**40])
@pytest.mark.parametrize("dimensions", [1, 2, 3, 8, 19, 64])
def test_points_are_those_of_scipy(dimensions: int, seed: int) -> None:
    theirs = qmc.Halton(dimensions, scramble=True, rng=np.random.default_rng(seed)).random(256)
    np.testing.assert_allclose(halton(dimensions, seed)(0, 256), theirs, rtol=FUSED, atol=0)


def test_late_points_are_those_of_scipy() -> None:
    engine = qmc.Halton(3, scramble=True, rng=np.random.default_rng(5))
    engine.fast_forward(2**17)
    np.testing.assert_allclose(halton(3, 5)(2**17, 1000), engine.random(1000), rtol=FUSED, atol=0)

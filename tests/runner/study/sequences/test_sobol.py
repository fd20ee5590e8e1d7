"""The points are SciPy's, whatever the seed, the dimensions and the first of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from caviar.runner.study.sequences.sobol import sobol


@pytest.mark.parametrize("seed", [0, 1, 3, 20261128, 2**40])
@pytest.mark.parametrize("dimensions", [1, 2, 3, 8, 19, 64])
def test_points_are_those_of_scipy(dimensions: int, seed: int) -> None:
    theirs = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed)).random(256)
    np.testing.assert_array_equal(sobol(dimensions, seed)(0, 256), theirs)


def test_late_points_are_those_of_scipy() -> None:
    engine = qmc.Sobol(3, scramble=True, rng=np.random.default_rng(5))
    engine.fast_forward(2**17)
    np.testing.assert_array_equal(sobol(3, 5)(2**17, 1000), engine.random(1000))

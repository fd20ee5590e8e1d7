from __future__ import annotations

import numpy as np

from caviar.model.kernels.by_layer.adam import AdamRate, adam_factors, adam_rates
from caviar.model.kernels.supported import Descent

DESCENT = Descent(0.5, (0.1, 0.2), (0.25, 0.5), 0.3, (0.75, 1e-6))


def test_the_numbers_of_a_step_are_corrected_for_the_start() -> None:
    first, second = adam_rates(DESCENT, [2.0, 4.0], 1, np.dtype(np.float64))
    assert first == AdamRate(2 / 0.75, 1 - 0.75**2, 0.5, 0.0)
    assert second == AdamRate(4 / 0.875, 1 - 0.75**3, 0.0, -1.0)


def test_the_factors_are_those_of_the_settings() -> None:
    factors = adam_factors(DESCENT, np.dtype(np.float32))
    assert {type(number) for number in factors} == {np.float32}
    np.testing.assert_allclose(factors, (0.5, 0.5, 0.75, 0.25, 1e-6, 0.1, 0.2, 0.5))

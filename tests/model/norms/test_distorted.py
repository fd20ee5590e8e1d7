"""A scale and a shift on x_hat that carry no gradient."""

from __future__ import annotations

import numpy as np

from caviar.model.norms.distorted import distort, distorted_backward
from caviar.model.norms.standardise import standardise, standardised
from tests.model.helpers import normal, relative_error, slope


def test_only_z_and_scale_change() -> None:
    plain = standardised(normal(0, 2, 3, 4, 5), 1e-3)
    tape = distort(plain, np.full((2, 3, 1, 5), 2.0), np.full((2, 3, 1, 5), -1.0))
    np.testing.assert_allclose(tape.z, 2 * plain.x_hat - 1)
    assert tape.x_hat is plain.x_hat and tape.moments is plain.moments


def test_the_gradient_is_the_slope_with_scale_and_shift_held() -> None:
    x, scale, shift = normal(0, 2, 3, 4, 5), normal(1, 2, 3, 1, 5), normal(2, 2, 3, 1, 5)
    tape = distort(standardised(x, 1e-3), scale, shift)
    dz, direction = normal(3, *x.shape), normal(4, *x.shape)
    before = dz.copy()
    gradient = distorted_backward(tape, dz)
    numeric = slope(
        lambda h: float(np.sum(dz * (scale * standardise(h, 1e-3)[0] + shift))), x, direction
    )
    assert relative_error(float(np.sum(gradient * direction)), numeric) < 1e-6
    np.testing.assert_array_equal(dz, before)

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels.losses import cross_entropy_and_gradient
from caviar.model.steps.loss import cross_entropy, mean_cross_entropy_gradient
from tests.kernel_runs import Flat

pytestmark = pytest.mark.usefixtures("kernels")


def test_loss_and_gradient_of_the_scored_rows() -> None:
    flat = Flat(np.float64, (5, 3), (1, 3), (5, 3))
    logits = 1e3 * np.random.default_rng(0).standard_normal((5, 3))
    flat[0][:], flat[1][:], flat[2][:] = logits - 1.0, 1.0, 7.0
    labels = np.array([0, 2, 1])
    (logits_place, bias, slope), row = flat.places, flat.rows[0]
    loss = cross_entropy_and_gradient(flat.array, logits_place, row, bias, slope, labels, 3, 5, 3)
    expected = flat[0][None, :3], labels[None]
    np.testing.assert_allclose(loss, cross_entropy(*expected).mean(), rtol=1e-14)
    np.testing.assert_allclose(flat[2][:3], mean_cross_entropy_gradient(*expected)[0], atol=1e-15)
    assert not flat[2][3:].any()


def test_a_logit_that_is_not_finite_gives_a_loss_that_is_not() -> None:
    for bad in (np.nan, np.inf):
        flat = Flat(np.float64, (1, 3), (1, 3), (1, 3))
        flat[0][0, 1] = bad
        (logits_place, bias, slope), row = flat.places, flat.rows[0]
        labels = np.array([0])
        loss = cross_entropy_and_gradient(
            flat.array, logits_place, row, bias, slope, labels, 1, 1, 3
        )
        assert not np.isfinite(loss)

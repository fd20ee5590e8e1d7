"""What leave-one-out computes, against direct computation and its limits."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from tests.model.helpers import normal


def _unit(x: Array) -> Parameters:
    shape = (x.shape[0], 1, x.shape[2])
    return {"gamma": np.ones(shape, x.dtype), "beta": np.zeros(shape, x.dtype)}


def _x_hat(layer: Norm, x: Array) -> Array:
    return layer.forward(_unit(x), x, ())[0]


@pytest.mark.parametrize("m", [3, 4, 12])
@pytest.mark.parametrize("epsilon", [1e-5, 0.3])
def test_leave_one_out_is_the_statistics_of_the_others(m: int, epsilon: float) -> None:
    x = normal(0, 2, 12, 5) + 3
    z = _x_hat(Norm(LeaveOneOutNorm(m, epsilon)), x)
    for r, i in np.ndindex(2, 12):
        ghost = [j for j in range(i // m * m, i // m * m + m) if j != i]
        others = x[r, ghost]
        expected = (x[r, i] - others.mean(axis=0)) / np.sqrt(others.var(axis=0) + epsilon)
        np.testing.assert_allclose(z[r, i], expected, rtol=1e-9)


@pytest.mark.parametrize("m", [3, 4, 8, 64, 256])
def test_batch_norm_is_the_soft_clip_of_leave_one_out(m: int) -> None:
    """SCIENCE C2 b, at epsilon 0."""
    x = normal(1, 2, 256 // m * m, 3)
    u = _x_hat(Norm(LeaveOneOutNorm(m, 0.0)), x)
    expected = np.sqrt((m - 1) / m) * u / np.sqrt(1 + u**2 / m)
    np.testing.assert_allclose(_x_hat(Norm(BatchNorm(m, 0.0)), x), expected, rtol=1e-9, atol=1e-12)


def _second_difference(layer: Norm, x: Array) -> Array:
    """Curvature of every example's x_hat in its own input, all else fixed, `(batch, features)`."""
    bent = np.empty_like(x[0])
    for i in range(x.shape[1]):
        below, above = x.copy(), x.copy()
        below[:, i] -= 1
        above[:, i] += 1
        low, here, high = (_x_hat(layer, h)[0, i] for h in (below, x, above))
        bent[i] = high - 2 * here + low
    return np.asarray(bent)


def test_an_example_is_not_in_its_own_statistics() -> None:
    """Without self-influence, x_hat is a straight line in the example's own input."""
    x = normal(2, 1, 12, 4)
    for layer in (Norm(LeaveOneOutNorm(6, 1e-3)), Norm(OtherExamplesNorm(6, 1e-3))):
        assert np.abs(_second_difference(layer, x)[:6]).max() < 1e-10
    assert np.abs(_second_difference(Norm(BatchNorm(6, 1e-3)), x)).min() > 1e-10
    assert np.abs(_second_difference(Norm(BatchNorm(6, 1e-3)), x)).max() > 1e-2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_leave_one_out_of_a_lone_outlier_and_of_a_dead_feature_is_finite(dtype: type) -> None:
    """Equal others have a variance of 0, which rounding may make negative."""
    x: Array = np.full((1, 8, 401), 0.1, dtype)
    x[0, 3, 1:] += np.linspace(50, 3000, 400, dtype=dtype)
    parameters, layer = _unit(x), Norm(LeaveOneOutNorm(8))
    z, tape = layer.forward(parameters, x, ())
    dx, _ = layer.backward(parameters, tape, normal(0, *x.shape).astype(dtype))
    assert np.isfinite(z).all() and np.isfinite(dx).all()
    assert z[0, 3, 1:].min() > 50
    np.testing.assert_allclose(z[0, :, 0], 0, atol=1e-4)


@pytest.mark.parametrize("m", [1, 2])
def test_leave_one_out_refuses_a_ghost_that_leaves_no_variance(m: int) -> None:
    x = normal(0, 1, 4, 2)
    message = f"a ghost batch of {m} leaves {m - 1} to normalise one example by; use at least 3"
    with pytest.raises(ValueError, match=message):
        Norm(LeaveOneOutNorm(m)).forward(_unit(x), x, ())

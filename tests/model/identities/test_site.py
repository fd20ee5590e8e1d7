"""A norm in one step, in the groups that share statistics."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.identities.site import Site, site_of
from caviar.model.layers import Dense
from tests.model.broken_arms import right
from tests.model.helpers import generators, moved_state, normal

ARMS = right(8)


def _site(arm: str, dtype: type = np.float64) -> Site:
    layer, dense = ARMS[arm], Dense(8, bias=False)
    x: Array = normal(1, 2, 32, 4).astype(dtype)
    weights, _ = dense.init(generators(2), 4, dtype)
    parameters, _ = layer.init(generators(2), 8, dtype)
    parameters |= moved_state(layer.references(parameters["gamma"]), 5, 100)
    h, tape = dense.forward(weights, x, ())
    _, taped = layer.forward(parameters, h, generators(2))
    dy: Array = normal(2, 2, 32, 8).astype(dtype)
    return site_of(layer, parameters, taped, dense, weights, tape, dy)


@pytest.mark.parametrize("arm", ARMS)
def test_inputs_are_the_dense_layer_s_outputs_in_the_tape_s_groups(arm: str) -> None:
    site = _site(arm)
    plain, _ = site.dense.forward(site.weights, site.inputs, ())
    np.testing.assert_array_equal(site.h.reshape(plain.shape), plain)
    assert site.h.shape == site.x_hat.shape == site.z.shape == site.scale.shape
    assert site.size == site.h.shape[2] and site.batch == 32
    np.testing.assert_allclose(site.lost, site.epsilon * site.inverse_deviation**2)


@pytest.mark.parametrize("arm", ["batch", "layer", "group"])
def test_x_hat_can_be_had_from_its_statistics(arm: str) -> None:
    site = _site(arm)
    x_hat = (site.h - site.mean) / np.sqrt(site.variance + site.epsilon)
    np.testing.assert_allclose(site.x_hat, x_hat, atol=1e-12)


@pytest.mark.parametrize("arm", ARMS)
def test_the_gradient_is_that_of_the_step_at_gamma_one(arm: str) -> None:
    """gamma starts at 1, so the step's own gradient is the one of dz."""
    site = _site(arm)
    np.testing.assert_allclose(
        site.input_gradient(site.dz), site.gradients[0].reshape(site.h.shape), atol=1e-12
    )


def test_everything_is_double_and_the_unit_is_the_step_s() -> None:
    site = _site("batch", np.float32)
    assert site.h.dtype == site.x_hat.dtype == site.probed.dtype == np.float64
    assert site.unit == float(np.finfo(np.float32).eps)
    assert site.dy.dtype == np.float32

"""Layer norm, against direct computation."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import batch_moments
from tests.model.helpers import normal


def _gains(seed: int, replicas: int, features: int) -> dict[str, Array]:
    return {
        "gamma": 1 + 0.5 * normal(seed, replicas, 1, features),
        "beta": normal(seed + 1, replicas, 1, features),
    }


def test_layer_norm_standardises_each_example() -> None:
    x, parameters = normal(0, 2, 6, 9) * 2 + 1, _gains(1, 2, 9)
    y, _ = Norm(LayerNorm(0.1)).forward(parameters, x, ())
    x_hat = (x - x.mean(axis=2, keepdims=True)) / np.sqrt(x.var(axis=2, keepdims=True) + 0.1)
    np.testing.assert_allclose(y, x_hat * parameters["gamma"] + parameters["beta"], rtol=1e-10)


def test_layer_norm_of_an_example_ignores_its_company() -> None:
    x, parameters, layer = normal(0, 1, 6, 9), _gains(1, 1, 9), Norm(LayerNorm())
    whole = layer.predict(parameters, x, lambda h: batch_moments(h, 1))
    np.testing.assert_array_equal(whole, layer.forward(parameters, x, ())[0])
    alone = layer.predict(parameters, x[:, 2:3], lambda h: batch_moments(h, 1))
    np.testing.assert_allclose(alone[:, 0], whole[:, 2], rtol=1e-12)

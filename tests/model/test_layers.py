from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Layer
from caviar.model.layers import Dense, Dropout, Relu, Tanh
from caviar.model.network import no_statistics
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import generators, gradient_errors, normal, randomised

LAYERS: dict[str, Layer] = {
    "dense": Dense(5),
    "dense without bias": Dense(5, bias=False),
    "relu": Relu(),
    "tanh": Tanh(),
    "dropout": Dropout(0.3),
    "batch norm": Norm(BatchNorm(12)),
    "ghost batch norm": Norm(BatchNorm(4)),
    "ghosts of three": Norm(BatchNorm(3, 0.1)),
    "layer norm": Norm(LayerNorm()),
    "layer norm, large epsilon": Norm(LayerNorm(0.5)),
}
ELEMENTWISE = {"relu", "tanh", "dropout"}


def _parameters(layer: Layer, replicas: int, features: int) -> dict[str, np.ndarray]:
    parameters, _ = layer.init(generators(replicas), features, np.float64)
    return randomised(parameters, 50)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_slope_along_random_directions(name: str, replicas: int) -> None:
    layer = LAYERS[name]
    x = 2 * normal(1, replicas, 12, 7) + normal(2, replicas, 1, 7)
    errors = gradient_errors(layer, _parameters(layer, replicas, 7), x)
    assert max(errors.values()) < 1e-6, errors
    assert len(errors) == {"dense without bias": 2, **dict.fromkeys(ELEMENTWISE, 1)}.get(name, 3)


@pytest.mark.parametrize("name", LAYERS)
def test_replicas_do_not_touch_each_other(name: str) -> None:
    layer = LAYERS[name]
    parameters, x = _parameters(layer, 4, 7), normal(1, 4, 12, 7)
    y, tape = layer.forward(parameters, x, generators(4))
    dy = normal(1000, *y.shape)
    dx, gradients = layer.backward(parameters, tape, dy)
    for r in range(4):
        single = {k: v[r : r + 1] for k, v in parameters.items()}
        y_own, tape_own = layer.forward(single, x[r : r + 1], generators(4)[r : r + 1])
        dx_own, gradients_own = layer.backward(single, tape_own, dy[r : r + 1])
        np.testing.assert_allclose(y_own[0], y[r], rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(dx_own[0], dx[r], rtol=1e-13, atol=1e-13)
        for k, g in gradients_own.items():
            np.testing.assert_allclose(g[0], gradients[k][r], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_precision_is_kept_and_arguments_are_left_alone(name: str, dtype: DTypeLike) -> None:
    layer = LAYERS[name]
    parameters, features = layer.init(generators(2), 7, dtype)
    x = normal(1, 2, 12, 7).astype(dtype)
    before = x.copy()
    y, tape = layer.forward(parameters, x, generators(2))
    assert y.dtype == dtype and y.shape == (2, 12, features)
    dy = normal(1000, *y.shape).astype(dtype)
    upstream = dy.copy()
    dx, gradients = layer.backward(parameters, tape, dy)
    again, _ = layer.backward(parameters, tape, dy)
    assert dx.dtype == dtype and all(g.dtype == dtype for g in gradients.values())
    np.testing.assert_array_equal(dx, again)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(dy, upstream)


def test_dense_multiplies_and_adds() -> None:
    parameters = {
        "weight": np.array([[[1.0, 2.0], [3.0, 4.0]]]),
        "bias": np.array([[[10.0, 20.0]]]),
    }
    y, _ = Dense(2).forward(parameters, np.array([[[1.0, 1.0], [0.0, 2.0]]]), ())
    np.testing.assert_array_equal(y, [[[14.0, 26.0], [16.0, 28.0]]])


def test_dense_starts_he_normal_and_unbiased() -> None:
    parameters, units = Dense(400).init(generators(2), 300, np.float64)
    assert units == 400
    assert parameters["weight"].shape == (2, 300, 400)
    z = (np.mean(parameters["weight"] ** 2) * 300 / 2 - 1) / np.sqrt(2 / (2 * 300 * 400))
    assert abs(z) < 4
    assert not np.array_equal(parameters["weight"][0], parameters["weight"][1])
    np.testing.assert_array_equal(parameters["bias"], np.zeros((2, 1, 400)))


def test_initial_weights_are_the_same_draws_in_both_precisions() -> None:
    double, _ = Dense(5).init(generators(2), 3, np.float64)
    single, _ = Dense(5).init(generators(2), 3, np.float32)
    np.testing.assert_array_equal(single["weight"], double["weight"].astype(np.float32))


def test_relu_and_tanh_values() -> None:
    x = np.array([[[-2.0, 0.0, 3.0]]])
    np.testing.assert_array_equal(Relu().forward({}, x, ())[0], [[[0.0, 0.0, 3.0]]])
    np.testing.assert_allclose(Tanh().forward({}, x, ())[0][0, 0], np.tanh([-2.0, 0.0, 3.0]))


@pytest.mark.parametrize("name", ["dense", "relu", "tanh"])
def test_prediction_equals_training_where_nothing_is_random(name: str) -> None:
    layer = LAYERS[name]
    parameters, x = _parameters(layer, 2, 7), normal(1, 2, 12, 7)
    predicted = layer.predict(parameters, x, lambda h: no_statistics(name, h))
    np.testing.assert_array_equal(predicted, layer.forward(parameters, x, generators(2))[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_zeroes_the_rate_and_keeps_the_mean(dtype: DTypeLike) -> None:
    x = np.full((2, 500, 100), 3.0, dtype)
    y, _ = Dropout(0.3).forward({}, x, generators(2))
    kept = y != 0
    np.testing.assert_allclose(y[kept], 3 / 0.7, rtol=1e-6)
    z = (kept.mean(axis=(1, 2)) - 0.7) / np.sqrt(0.3 * 0.7 / (500 * 100))
    assert np.abs(z).max() < 4
    assert not np.array_equal(kept[0], kept[1])


def test_dropout_is_off_in_prediction_and_new_in_every_pass() -> None:
    x, streams = normal(1, 1, 6, 5), generators(1)
    np.testing.assert_array_equal(
        Dropout(0.5).predict({}, x, lambda h: no_statistics("dropout", h)), x
    )
    first, second = (Dropout(0.5).forward({}, x, streams)[0] for _ in range(2))
    assert not np.array_equal(first, second)


def test_dropout_masks_do_not_depend_on_the_precision() -> None:
    x = normal(1, 2, 6, 5)
    double = Dropout(0.5).forward({}, x, generators(2))[0]
    single = Dropout(0.5).forward({}, x.astype(np.float32), generators(2))[0]
    np.testing.assert_array_equal(double != 0, single != 0)

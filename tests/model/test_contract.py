"""The contract that every norm of the registry keeps, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.network import Network, training_moments
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.noise.drawn_ghost_noise import DrawnGhostNoiseNorm
from caviar.model.norms.noise.ghost_noise import GhostNoiseNorm
from caviar.model.norms.norm import Carrying, Norm
from caviar.model.norms.registry import NORMS
from caviar.model.norms.standardise import batch_moments
from caviar.model.norms.stop_gradient import StopGradientNorm
from tests.model.helpers import (
    built,
    generators,
    gradient_errors,
    moved_state,
    normal,
    randomised,
    relative_error,
    slope,
)

FEATURES, BATCH, UPDATES = 24, 24, 3
SETTINGS: dict[str, dict[str, Any]] = {
    "": {"norm_batch_size": 4},
    ", large epsilon": {"norm_batch_size": 3, "epsilon": 0.1, "noise_shared": "example"},
    ", two ghosts": {"norm_batch_size": 12, "renorm_r_max": 1.2, "renorm_d_max": 0.3},
}


@dataclass(frozen=True)
class _Warm(Norm):
    """The layer after some updates, so that what it carries is not at its start."""

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        return super().forward(parameters | _carried(self, x), x, generators)

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        return super().backward(parameters | _carried(self, dy), tape, dy)


def _carried(layer: Norm, x: Array) -> Parameters:
    one = moved_state(layer.references(np.ones((1, 1, x.shape[2]))), 60, UPDATES)
    return {k: np.repeat(v, len(x), axis=0).astype(x.dtype) for k, v in one.items()}


def _carries(layer: Norm) -> bool:
    return isinstance(layer.normaliser, Carrying)


LAYERS: dict[str, Norm] = {
    name + variant: _Warm(layer.normaliser)
    for name in NORMS
    for variant, settings in SETTINGS.items()
    if (layer := built(name, **settings)) is not None
}
WITH_STATISTICS = {k: v for k, v in LAYERS.items() if v.normaliser.uses_batch_statistics}
PART_OF_THE_GRADIENT = {
    k: v
    for k, v in LAYERS.items()
    if isinstance(
        v.normaliser, StopGradientNorm | BatchRenorm | GhostNoiseNorm | DrawnGhostNoiseNorm
    )
}
"""Arms that treat as constant what their forward pass computes from the batch."""
WHOLE_GRADIENT = {k: v for k, v in LAYERS.items() if k not in PART_OF_THE_GRADIENT}


def _inputs(seed: int, replicas: int = 3, batch: int = BATCH) -> Array:
    return 2 * normal(seed, replicas, batch, FEATURES) + normal(seed + 1, replicas, 1, FEATURES)


def _parameters(layer: Norm, replicas: int = 3) -> Parameters:
    return randomised(layer.init(generators(replicas), FEATURES, np.float64)[0], 50)


def test_a_norm_is_named_as_its_kind_says() -> None:
    assert [kind.name for kind in NORMS.values()] == list(NORMS)
    assert built("none") is None
    assert {name.partition(",")[0] for name in LAYERS} == NORMS.keys() - {"none"}


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("name", WHOLE_GRADIENT)
def test_backward_is_the_slope_along_random_directions(name: str, replicas: int) -> None:
    layer = WHOLE_GRADIENT[name]
    errors = gradient_errors(layer, _parameters(layer, replicas), _inputs(1, replicas))
    assert errors.keys() == {"x", "gamma", "beta"}
    assert max(errors.values()) < 1e-6, errors


def _constants(layer: Norm, x: Array) -> Callable[[Array], Array]:
    """x_hat of a batch near x, with what the arm treats as constant fixed at its value for x."""
    norm = layer.normaliser
    m, epsilon = norm.sharing(BATCH), norm.epsilon
    unit, _ = layer.init(generators(len(x)), x.shape[2], np.float64)
    plain = batch_moments(x, m)
    if isinstance(norm, StopGradientNorm):
        mean, deviation = (
            np.repeat(part, m, axis=1) for part in (plain.mean, np.sqrt(plain.variance + epsilon))
        )
        return lambda h: (h - mean) / deviation
    if isinstance(norm, GhostNoiseNorm):
        return _blurred(norm, unit, x)
    if isinstance(norm, DrawnGhostNoiseNorm):
        return _lent(norm, unit, x)
    assert isinstance(norm, BatchRenorm)
    carried = _carried(layer, x)
    opened = min(UPDATES / norm.ramp, 1)
    r_max, d_max = 1 + opened * (norm.r_max - 1), opened * norm.d_max
    sigma = carried["reference_deviation"]
    r = np.clip(np.sqrt(plain.variance + epsilon) / sigma, 1 / r_max, r_max)
    d = np.clip((plain.mean - carried["reference_mean"]) / sigma, -d_max, d_max)
    scale, shift = np.repeat(r, m, axis=1), np.repeat(d, m, axis=1)
    return lambda h: scale * Norm(BatchNorm(m, epsilon)).forward(unit, h, ())[0] + shift


def _blurred(norm: GhostNoiseNorm, unit: Parameters, x: Array) -> Callable[[Array], Array]:
    m = norm.norm_batch_size
    ghosts, whole = batch_moments(x, m), batch_moments(x, BATCH)
    sigma = np.sqrt(whole.variance + norm.epsilon)
    s = np.sqrt(np.roll(ghosts.variance, -1, axis=1) + norm.epsilon) / sigma
    delta = (np.roll(ghosts.mean, -1, axis=1) - whole.mean) / sigma
    scale, shift = np.repeat(1 / s, m, axis=1), np.repeat(-delta / s, m, axis=1)
    batch = Norm(BatchNorm(BATCH, norm.epsilon))
    return lambda h: scale * batch.forward(unit, h, ())[0] + shift


def _lent(norm: DrawnGhostNoiseNorm, unit: Parameters, x: Array) -> Callable[[Array], Array]:
    lenders = norm.forward(unit, x, generators(len(x))).lenders
    assert lenders is not None
    ghosts = np.stack([one[rows] for one, rows in zip(x, lenders, strict=True)])
    deviation = np.sqrt(ghosts.var(axis=2) + norm.epsilon)
    whole = batch_moments(x, BATCH)
    sigma = np.sqrt(whole.variance + norm.epsilon)
    batch = Norm(BatchNorm(BATCH, norm.epsilon))
    shift = (whole.mean - ghosts.mean(axis=2)) / deviation
    return lambda h: sigma / deviation * batch.forward(unit, h, ())[0] + shift


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("name", PART_OF_THE_GRADIENT)
def test_backward_is_the_slope_with_constants_held(name: str, replicas: int) -> None:
    layer = PART_OF_THE_GRADIENT[name]
    parameters, x = _parameters(layer, replicas), _inputs(1, replicas)
    x_hat = _constants(layer, x)
    y, tape = layer.forward(parameters, x, generators(replicas))
    np.testing.assert_allclose(
        y, parameters["gamma"] * x_hat(x) + parameters["beta"], rtol=1e-12, atol=1e-12
    )
    dy = normal(1000, *y.shape)
    dx, gradients = layer.backward(parameters, tape, dy)

    here = {"x": x, **parameters}

    def loss(key: str, value: Array) -> float:
        moved = here | {key: value}
        return float(np.sum(dy * (moved["gamma"] * x_hat(moved["x"]) + moved["beta"])))

    for i, (key, gradient) in enumerate({"x": dx, **gradients}.items()):
        direction = normal(2000 + i, *gradient.shape)
        numeric = slope(partial(loss, key), here[key], direction)
        assert relative_error(float(np.sum(gradient * direction)), numeric) < 1e-6


@pytest.mark.parametrize("name", PART_OF_THE_GRADIENT)
def test_their_gradient_is_not_the_whole_slope(name: str) -> None:
    layer = PART_OF_THE_GRADIENT[name]
    errors = gradient_errors(layer, _parameters(layer), _inputs(1))
    assert errors["x"] > 1e-3
    assert max(errors["gamma"], errors["beta"]) < 1e-6


@pytest.mark.parametrize("name", LAYERS)
def test_a_replica_in_a_stack_equals_itself_alone(name: str) -> None:
    layer = LAYERS[name]
    parameters, x = _parameters(layer, 4), _inputs(1, 4)
    y, tape = layer.forward(parameters, x, generators(4))
    dy = normal(1000, *y.shape)
    dx, gradients = layer.backward(parameters, tape, dy)
    for r in range(4):
        single = {k: v[r : r + 1] for k, v in parameters.items()}
        y_own, tape_own = layer.forward(single, x[r : r + 1], generators(4)[r : r + 1])
        dx_own, gradients_own = layer.backward(single, tape_own, dy[r : r + 1])
        np.testing.assert_allclose(y_own[0], y[r], rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(dx_own[0], dx[r], rtol=1e-12, atol=1e-12)
        for k, g in gradients_own.items():
            np.testing.assert_allclose(g[0], gradients[k][r], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_precision_is_kept_and_arguments_are_left_alone(name: str, dtype: DTypeLike) -> None:
    layer = LAYERS[name]
    parameters = {k: v.astype(dtype) for k, v in _parameters(layer).items()}
    x = _inputs(1).astype(dtype)
    dy = normal(1000, *x.shape).astype(dtype)
    before = (x.copy(), dy.copy())
    y, tape = layer.forward(parameters, x, generators(3))
    dx, gradients = layer.backward(parameters, tape, dy)
    again, _ = layer.backward(parameters, tape, dy)
    carried = layer.follow(_carried(layer, x), tape)
    for array in (y, dx, *gradients.values(), *(tape.moments or ()), *carried.values()):
        assert array.dtype == dtype
    np.testing.assert_array_equal(dx, again)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(dy, before[1])
    exact, _ = layer.forward(_parameters(layer), _inputs(1), generators(3))
    np.testing.assert_allclose(y, exact, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", WITH_STATISTICS)
def test_evaluation_is_batch_norm_s(name: str) -> None:
    layer, x = LAYERS[name], _inputs(1)
    plain, parameters = Norm(BatchNorm(4, layer.normaliser.epsilon)), _parameters(layer)
    for size in (1, 3, 12):
        np.testing.assert_array_equal(
            layer.predict(parameters, x, partial(batch_moments, norm_batch_size=size)),
            plain.predict(parameters, x, partial(batch_moments, norm_batch_size=size)),
        )


@pytest.mark.parametrize("name", [k for k in LAYERS if k not in WITH_STATISTICS])
def test_without_batch_statistics_evaluation_is_training_and_company_is_ignored(name: str) -> None:
    layer, x = LAYERS[name], _inputs(1)
    parameters = _parameters(layer)
    whole = layer.predict(parameters, x, partial(batch_moments, norm_batch_size=1))
    np.testing.assert_array_equal(whole, layer.forward(parameters, x, ())[0])
    alone = layer.predict(parameters, x[:, 2:3], partial(batch_moments, norm_batch_size=1))
    np.testing.assert_allclose(alone[:, 0], whole[:, 2], rtol=1e-12)
    assert not training_moments({"norm": layer.forward(parameters, x, ())[1]})
    assert not Network((("before", layer),)).norm_layers


@pytest.mark.parametrize("name", WITH_STATISTICS)
def test_running_averages_watch_the_plain_statistics(name: str) -> None:
    layer, x = LAYERS[name], _inputs(1)
    _, tape = layer.forward(_parameters(layer), x, generators(3))
    watched = training_moments({"norm": tape, "other": x})["norm"]
    plain = batch_moments(x, layer.normaliser.sharing(BATCH))
    np.testing.assert_allclose(watched.mean, plain.mean, rtol=1e-12)
    np.testing.assert_allclose(watched.variance, plain.variance, rtol=1e-12)
    network = Network((("before", layer),))
    assert network.norm_layers == {"before": layer}
    assert not network.split_at_norm()[0].layers


@pytest.mark.parametrize(
    "name", [k for k, v in WITH_STATISTICS.items() if not v.references(np.ones((1, 1, FEATURES)))]
)
def test_a_shift_and_a_scale_of_the_input_change_nothing(name: str) -> None:
    norm = LAYERS[name].normaliser
    layer = Norm(type(norm)(**vars(norm) | {"epsilon": 0.0}))
    parameters, x = _parameters(layer), _inputs(1)
    y, _ = layer.forward(parameters, x, generators(3))
    moved, _ = layer.forward(parameters, 5 * x - 3, generators(3))
    np.testing.assert_allclose(moved, y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [k for k in LAYERS if "noise" not in k])
def test_examples_may_change_places_within_a_ghost(name: str) -> None:
    layer, x = LAYERS[name], _inputs(1)
    m = layer.normaliser.sharing(BATCH)
    order = np.concatenate(
        [g + np.random.default_rng(0).permutation(m) for g in range(0, BATCH, m)]
    )
    parameters, dy = _parameters(layer), normal(1000, *x.shape)
    y, tape = layer.forward(parameters, x, ())
    y_moved, tape_moved = layer.forward(parameters, x[:, order], ())
    np.testing.assert_allclose(y_moved, y[:, order], rtol=1e-10, atol=1e-10)
    dx, _ = layer.backward(parameters, tape, dy)
    dx_moved, _ = layer.backward(parameters, tape_moved, dy[:, order])
    np.testing.assert_allclose(dx_moved, dx[:, order], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [k for k in NORMS if f"{k}" in WITH_STATISTICS])
def test_a_batch_that_ghosts_do_not_divide_is_refused(name: str) -> None:
    layer, x = WITH_STATISTICS[name], _inputs(1, batch=10)
    if layer.normaliser.sharing(10) == 10:
        assert np.isfinite(layer.forward(_parameters(layer), x, generators(3))[0]).all()
        return
    message = "a batch of 10 cannot be cut into ghost batches of 4: 10 / 4 leaves 2"
    with pytest.raises(ValueError, match=message):
        layer.forward(_parameters(layer), x, ())

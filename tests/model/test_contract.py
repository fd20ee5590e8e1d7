"""The contract that every control arm keeps; what each computes is in test_arms_values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Parameters
from caviar.model.network import AnyBatchNorm, Network, training_moments
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.distorted import DistortedTape
from caviar.model.norms.injected_noise import NoisyNorm, ScaleNoise, ShiftAndScaleNoise, ShiftNoise
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.standardise import batch_moments
from caviar.model.norms.stop_gradient import StopGradientNorm
from caviar.model.records import (
    Checked,
    Curve,
    Evaluation,
    LogProbabilities,
    Noise,
    Probing,
    Record,
    StatisticsError,
)
from tests.model.helpers import (
    generators,
    gradient_errors,
    normal,
    randomised,
    relative_error,
    run,
    slope,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)

CENTRE, DEVIATION, UPDATES = normal(60, 1, 1, 7), 1 + normal(61, 1, 1, 7) ** 2, 3


@dataclass(frozen=True)
class _Warm(BatchRenorm):
    """Batch renormalisation some updates into training: its averages are somewhere."""

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, DistortedTape]:
        averages = {
            "reference_mean": CENTRE,
            "reference_deviation": DEVIATION,
            "reference_updates": np.full((1, 1, 1), UPDATES),
        }
        one = {k: np.repeat(v, len(x), axis=0).astype(x.dtype) for k, v in averages.items()}
        return super().forward(parameters | one, x, generators)


WHOLE_GRADIENT: dict[str, AnyBatchNorm] = {
    "leave one out": LeaveOneOutNorm(4),
    "leave one out, one ghost": LeaveOneOutNorm(12),
    "leave one out, large epsilon": LeaveOneOutNorm(3, 0.1),
    "other examples": OtherExamplesNorm(3),
    "other examples, two ghosts": OtherExamplesNorm(6, 0.1),
    "shift noise": NoisyNorm(4, 1e-5, ShiftNoise(1)),
    "scale noise": NoisyNorm(6, 1e-5, ScaleNoise(4)),
    "shift and scale noise": NoisyNorm(4, 0.1, ShiftAndScaleNoise(6)),
}
PART_OF_THE_GRADIENT: dict[str, AnyBatchNorm] = {
    "stop gradient": StopGradientNorm(4),
    "stop gradient, large epsilon": StopGradientNorm(6, 0.1),
    "renorm": _Warm(4, 1.2, 0.3, 0.9, 2),
    "renorm without limits": _Warm(4, np.inf, np.inf, 0.9, 6),
    "renorm half open, large epsilon": _Warm(3, 1.2, 5.0, 0.9, 6, 0.1),
}
ARMS = WHOLE_GRADIENT | PART_OF_THE_GRADIENT
REPORTED = {Curve, Evaluation, StatisticsError, Noise, LogProbabilities, Probing}
ABSENT = {
    (Noise, False): {
        *("noise_penalty", "external_penalty", "self_influence", "predicted_self_influence"),
        *("partition_variance", "gradient_variance"),
    },
    (Noise, True): {
        *("mean_variance", "deviation_variance", "excess_kurtosis"),
        *("noise_to_signal", "coupling"),
    },
}
KINDS = {"population", "precise", "evalnorm", "running", "batch"}


def _inputs(seed: int, replicas: int = 3, batch: int = 12) -> Array:
    return 2 * normal(seed, replicas, batch, 7) + normal(seed + 1, replicas, 1, 7)


def _parameters(layer: AnyBatchNorm, replicas: int = 3) -> Parameters:
    return randomised(layer.init(generators(replicas), 7, np.float64)[0], 50)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("name", WHOLE_GRADIENT)
def test_backward_is_the_slope_along_random_directions(name: str, replicas: int) -> None:
    layer = WHOLE_GRADIENT[name]
    errors = gradient_errors(layer, _parameters(layer, replicas), _inputs(1, replicas))
    assert errors.keys() == {"x", "gamma", "beta"}
    assert max(errors.values()) < 1e-6, errors


def _size(layer: AnyBatchNorm) -> int:
    """Examples behind one mean in a batch of 12."""
    return 12 if isinstance(layer, NoisyNorm) else layer.norm_batch_size


def _constants(layer: AnyBatchNorm, x: Array) -> Callable[[Array], Array]:
    """x_hat of a batch near x, with what the arm takes for constant held as it is at x."""
    m, epsilon = _size(layer), layer.epsilon
    unit, _ = layer.init(generators(len(x)), x.shape[2], np.float64)
    at = batch_moments(x, m)
    if isinstance(layer, StopGradientNorm):
        mean, deviation = (
            np.repeat(part, m, axis=1) for part in (at.mean, np.sqrt(at.variance + epsilon))
        )
        return lambda h: (h - mean) / deviation
    assert isinstance(layer, BatchRenorm)
    opened = min(UPDATES / layer.ramp, 1)
    r_max, d_max = 1 + opened * (layer.r_max - 1), opened * layer.d_max
    r = np.clip(np.sqrt(at.variance + epsilon) / DEVIATION, 1 / r_max, r_max)
    d = np.clip((at.mean - CENTRE) / DEVIATION, -d_max, d_max)
    scale, shift = np.repeat(r, m, axis=1), np.repeat(d, m, axis=1)
    return lambda h: scale * BatchNorm(m, epsilon).forward(unit, h, ())[0] + shift


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("name", PART_OF_THE_GRADIENT)
def test_backward_is_the_slope_with_constants_held(name: str, replicas: int) -> None:
    layer = PART_OF_THE_GRADIENT[name]
    parameters, x = _parameters(layer, replicas), _inputs(1, replicas)
    x_hat = _constants(layer, x)
    y, tape = layer.forward(parameters, x, ())
    np.testing.assert_allclose(
        y, parameters["gamma"] * x_hat(x) + parameters["beta"], rtol=1e-12, atol=1e-12
    )
    dy = normal(1000, *y.shape)
    dx, gradients = layer.backward(parameters, tape, dy)

    here = {"x": x, **parameters}

    def loss(key: str, value: Array) -> float:
        at = here | {key: value}
        return float(np.sum(dy * (at["gamma"] * x_hat(at["x"]) + at["beta"])))

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


@pytest.mark.parametrize("name", ARMS)
def test_a_replica_in_a_stack_equals_itself_alone(name: str) -> None:
    layer = ARMS[name]
    parameters, x = _parameters(layer, 4), _inputs(1, 4)
    y, tape = layer.forward(parameters, x, generators(4))
    dy = normal(1000, *y.shape)
    dx, gradients = layer.backward(parameters, tape, dy)
    for r in range(4):
        own = {k: v[r : r + 1] for k, v in parameters.items()}
        y_own, tape_own = layer.forward(own, x[r : r + 1], generators(4)[r : r + 1])
        dx_own, gradients_own = layer.backward(own, tape_own, dy[r : r + 1])
        np.testing.assert_allclose(y_own[0], y[r], rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(dx_own[0], dx[r], rtol=1e-12, atol=1e-12)
        for k, g in gradients_own.items():
            np.testing.assert_allclose(g[0], gradients[k][r], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ARMS)
def test_precision_is_kept_and_arguments_are_left_alone(name: str, dtype: DTypeLike) -> None:
    layer = ARMS[name]
    parameters = {k: v.astype(dtype) for k, v in _parameters(layer).items()}
    x, dy = _inputs(1).astype(dtype), normal(1000, 3, 12, 7).astype(dtype)
    before = (x.copy(), dy.copy())
    y, tape = layer.forward(parameters, x, generators(3))
    dx, gradients = layer.backward(parameters, tape, dy)
    again, _ = layer.backward(parameters, tape, dy)
    moments = tape.moments
    for array in (y, dx, *gradients.values(), *moments):
        assert array.dtype == dtype
    np.testing.assert_array_equal(dx, again)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(dy, before[1])
    exact, _ = layer.forward(_parameters(layer), _inputs(1), generators(3))
    np.testing.assert_allclose(y, exact, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", ARMS)
def test_start_and_evaluation_are_batch_norm_s(name: str) -> None:
    layer, x = ARMS[name], _inputs(1)
    plain = BatchNorm(4, layer.epsilon)
    start, features = layer.init(generators(3), 7, np.float32)
    expected, _ = plain.init(generators(3), 7, np.float32)
    assert features == 7 and start.keys() == expected.keys()
    for k in expected:
        assert start[k].dtype == np.float32
        np.testing.assert_array_equal(start[k], expected[k])
    parameters = _parameters(layer)
    for size in (1, 3, 12):
        np.testing.assert_array_equal(
            layer.predict(parameters, x, partial(batch_moments, norm_batch_size=size)),
            plain.predict(parameters, x, partial(batch_moments, norm_batch_size=size)),
        )


@pytest.mark.parametrize("name", ARMS)
def test_running_averages_watch_the_plain_statistics(name: str) -> None:
    layer, x = ARMS[name], _inputs(1)
    _, tape = layer.forward(_parameters(layer), x, generators(3))
    seen = training_moments({"norm": tape, "other": x})["norm"]
    plain = batch_moments(x, _size(layer))
    np.testing.assert_allclose(seen.mean, plain.mean, rtol=1e-12)
    np.testing.assert_allclose(seen.variance, plain.variance, rtol=1e-12)
    network = Network((("before", layer),))
    assert network.norm_layers == {"before": layer}
    assert not network.split_at_norm()[0].layers


@pytest.mark.parametrize("name", [k for k in ARMS if "renorm" not in k])
def test_a_shift_and_a_scale_of_the_input_change_nothing(name: str) -> None:
    layer = replace(ARMS[name], epsilon=0.0)
    parameters, x = _parameters(layer), _inputs(1)
    y, _ = layer.forward(parameters, x, generators(3))
    moved, _ = layer.forward(parameters, 5 * x - 3, generators(3))
    np.testing.assert_allclose(moved, y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [k for k in ARMS if "noise" not in k])
def test_examples_may_change_places_within_a_ghost(name: str) -> None:
    layer, x = ARMS[name], _inputs(1)
    m = _size(layer)
    order = np.concatenate([g + np.random.default_rng(0).permutation(m) for g in range(0, 12, m)])
    parameters, dy = _parameters(layer), normal(1000, *x.shape)
    y, tape = layer.forward(parameters, x, ())
    y_moved, tape_moved = layer.forward(parameters, x[:, order], ())
    np.testing.assert_allclose(y_moved, y[:, order], rtol=1e-10, atol=1e-10)
    dx, _ = layer.backward(parameters, tape, dy)
    dx_moved, _ = layer.backward(parameters, tape_moved, dy[:, order])
    np.testing.assert_allclose(dx_moved, dx[:, order], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["leave one out", "other examples", "stop gradient", "renorm"])
def test_a_batch_that_ghosts_do_not_divide_is_refused(name: str) -> None:
    layer = ARMS[name]
    m = _size(layer)
    message = f"a batch of 10 cannot be cut into ghost batches of {m}: 10 / {m} leaves {10 % m}"
    with pytest.raises(ValueError, match=message):
        layer.forward(_parameters(layer), _inputs(1, batch=10), ())


@pytest.mark.parametrize("name", ARMS)
def test_arms_train_and_are_measured_like_batch_norm(name: str) -> None:
    chosen = ARMS[name]
    arm = BatchRenorm(**vars(chosen)) if isinstance(chosen, BatchRenorm) else chosen
    arm = arm if isinstance(arm, NoisyNorm) else replace(arm, norm_batch_size=4)
    last = frozenset({4})
    training = small_training(
        network=small_mlp(norm=arm),
        steps=4,
        curve_steps=last,
        norm_batch_size=4,
        probes=small_probes(
            sizes=(4,), evaluation_steps=last, probe_steps=last, shadow=True, log_probabilities=True
        ),
    )
    records = run(training, small_splits(2))
    assert {type(r) for r in records if not isinstance(r, Checked)} == REPORTED
    scores = [r for r in records if isinstance(r, Evaluation)]
    assert {r.statistics for r in scores} == KINDS
    for record in records:
        absent = ABSENT.get(_row(record), set())
        for field, value in vars(record).items():
            if isinstance(value, np.ndarray):
                assert np.isfinite(value).all() == (field not in absent), (_row(record), field)


def _row(record: Record) -> tuple[type, bool]:
    """Rows that have the same columns: those of noise are about a layer or the network."""
    return type(record), isinstance(record, Noise) and record.layer == "network"

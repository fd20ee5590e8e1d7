"""Batch renormalisation: what its averages do to x_hat, and how training carries them."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from caviar.model.contract import Array, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.norm import Norm
from caviar.model.parameters import each, joined
from caviar.model.records import Curve
from caviar.model.steps.gradient import feed, gradient_of, randomness
from caviar.model.steps.optimizers import DecoupledDecay, Sgd
from tests.model.helpers import (
    generators,
    initial,
    normal,
    records_of,
    small_mlp,
    small_splits,
    small_training,
)
from tests.model.nested import flat

SPLITS = small_splits(2)
MEAN, DEVIATION = 3 + normal(7, 2, 1, 5), 1 + normal(8, 2, 1, 5) ** 2


def _unit(x: Array) -> Parameters:
    shape = (x.shape[0], 1, x.shape[2])
    return {"gamma": np.ones(shape, x.dtype), "beta": np.zeros(shape, x.dtype)}


def _at(x: Array, updates: int) -> Parameters:
    """Unit parameters and the averages after `updates`."""
    return _unit(x) | {
        "reference_mean": MEAN,
        "reference_deviation": DEVIATION,
        "reference_updates": np.full((2, 1, 1), float(updates)),
    }


def _x_hat(layer: Norm, x: Array, parameters: Parameters) -> Array:
    return layer.forward(parameters, x, ())[0]


@pytest.mark.parametrize("updates", [0, 1, 3, 4, 9])
@pytest.mark.parametrize(("r_max", "d_max"), [(1.5, 0.4), (1.0, 2.0), (3.0, 0.0), (2.0, np.inf)])
def test_r_and_d_by_hand_within_limits_that_open_linearly(
    updates: int, r_max: float, d_max: float
) -> None:
    """Ioffe 2017, section 3, Algorithm 1, epsilon in both deviations; a ramp of four steps."""
    x = np.concatenate([normal(0, 2, 4, 5), 3 * normal(1, 2, 4, 5) + 2], axis=1) + 3
    z = _x_hat(Norm(BatchRenorm(4, r_max, d_max, 0.9, 4, 0.1)), x, _at(x, updates))
    opened = min(updates / 4, 1)
    widest = 1 + opened * (r_max - 1)
    furthest = opened * d_max if opened else 0.0
    for g in range(2):
        ghost = x[:, 4 * g : 4 * g + 4]
        mean = ghost.mean(axis=1, keepdims=True)
        root = np.sqrt(ghost.var(axis=1, keepdims=True) + 0.1)
        r = np.clip(root / DEVIATION, 1 / widest, widest)
        d = np.clip((mean - MEAN) / DEVIATION, -furthest, furthest)
        expected = (ghost - mean) / root * r + d
        np.testing.assert_allclose(z[:, 4 * g : 4 * g + 4], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ramp", [0, 1, 5])
@pytest.mark.parametrize("m", [4, 12])
def test_the_first_step_is_batch_norm_forward_and_backward(m: int, ramp: int) -> None:
    x, dy = normal(0, 2, 12, 5) + 3, normal(1, 2, 12, 5)
    layer = Norm(BatchRenorm(m, np.inf, np.inf, 0.9, ramp, 0.1))
    parameters = _unit(x) | layer.references(_unit(x)["gamma"])
    y, tape = layer.forward(parameters, x, ())
    plain, plain_tape = Norm(BatchNorm(m, 0.1)).forward(_unit(x), x, ())
    np.testing.assert_allclose(y, plain, rtol=1e-12, atol=1e-12)
    dx, gradients = layer.backward(parameters, tape, dy)
    expected, plain_gradients = Norm(BatchNorm(m, 0.1)).backward(_unit(x), plain_tape, dy)
    np.testing.assert_allclose(dx, expected, rtol=1e-10, atol=1e-12)
    for key, gradient in plain_gradients.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-12)


def test_without_room_it_stays_batch_norm() -> None:
    x = normal(0, 2, 12, 5) + 3
    layer = Norm(BatchRenorm(4, 1.0, 0.0, 0.9, 1, 0.1))
    plain = _x_hat(Norm(BatchNorm(4, 0.1)), x, _unit(x))
    np.testing.assert_allclose(_x_hat(layer, x, _at(x, 9)), plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("updates", [1, 9])
def test_without_limits_it_normalises_by_the_averages(updates: int) -> None:
    x = normal(0, 2, 12, 5) * 2 + 3
    z = _x_hat(Norm(BatchRenorm(4, np.inf, np.inf, 0.9, 4, 0.1)), x, _at(x, updates))
    np.testing.assert_allclose(z, (x - MEAN) / DEVIATION, rtol=1e-10, atol=1e-12)


def test_without_limits_training_and_evaluation_by_its_averages_agree() -> None:
    """Ioffe 2017, section 3: the same output from an example alone as from one in a batch."""
    x = normal(0, 2, 12, 5) * 2 + 3
    layer = Norm(BatchRenorm(4, np.inf, np.inf, 0.9, 4, 0.1))
    parameters = _at(x, 9) | {"gamma": normal(5, 2, 1, 5), "beta": normal(6, 2, 1, 5)}
    carried = layer.averages(parameters)
    assert carried is not None
    trained, _ = layer.forward(parameters, x, ())
    read = layer.predict(parameters, x, lambda h: carried)
    np.testing.assert_allclose(read, trained, rtol=1e-10, atol=1e-12)
    assert Norm(BatchNorm(4)).averages({}) is None


def test_a_rounded_square_below_epsilon_is_no_negative_variance() -> None:
    layer = BatchRenorm(4, 3.0, 5.0, 0.9, 4, 0.1)
    tiny = {"reference_mean": np.zeros((1, 1, 1)), "reference_deviation": np.full((1, 1, 1), 0.1)}
    assert layer.averages(tiny).variance.item() == 0


def test_a_shift_and_a_scale_of_input_and_averages_change_nothing() -> None:
    x, layer = normal(0, 2, 12, 5) + 3, Norm(BatchRenorm(4, 1.3, 0.5, 0.9, 4, 0.0))
    parameters = _at(x, 3)
    moved = parameters | {
        "reference_mean": 5 * parameters["reference_mean"] - 3,
        "reference_deviation": 5 * parameters["reference_deviation"],
    }
    expected = _x_hat(layer, x, parameters)
    np.testing.assert_allclose(_x_hat(layer, 5 * x - 3, moved), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_averages_are_exponential_and_the_first_is_copied(dtype: type) -> None:
    """They average the means over ghosts of the mean and of the root of variance plus epsilon."""
    layer, steps = Norm(BatchRenorm(4, 1.2, 0.3, 0.8, 4, 0.1)), 6
    x: list[Array] = [(normal(t, 2, 12, 5) * (1 + t) + t).astype(dtype) for t in range(steps)]
    references = layer.references(_unit(x[0])["gamma"])
    for batch in x:
        before = {k: v.copy() for k, v in references.items()}
        _, tape = layer.forward(_unit(batch) | references, batch, ())
        after = layer.follow(references, tape)
        for key, value in references.items():
            np.testing.assert_array_equal(value, before[key])
        references = after
    ghosts = np.stack(x).astype(np.float64).reshape(steps, 2, 3, 4, 5)
    means = ghosts.mean(axis=3).mean(axis=2)
    deviations = np.sqrt(ghosts.var(axis=3) + 0.1).mean(axis=2)
    weights = 0.2 * 0.8 ** np.arange(steps - 1, -1, -1)
    weights[0] = 0.8 ** (steps - 1)
    for key, series in (("reference_mean", means), ("reference_deviation", deviations)):
        assert references[key].dtype == dtype and references[key].shape == (2, 1, 5)
        expected = np.tensordot(weights, series, axes=1)
        tolerance = 1e-12 if dtype is np.float64 else 1e-5
        np.testing.assert_allclose(references[key][:, 0], expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(references["reference_updates"], np.full((2, 1, 1), steps))


def _renorm(**changes: Any) -> Norm:
    settings = {"r_max": 1.5, "d_max": 0.5, "decay": 0.8, "ramp": 3}
    return Norm(BatchRenorm(8, **(settings | changes)))


def test_training_written_out() -> None:
    """Each step is corrected by the averages after the step before.

    Every parameter decays by a hundredth per step; averages do not.
    """
    network = small_mlp(norm=_renorm())
    training = small_training(
        network=network,
        optimizer=DecoupledDecay(Sgd(), 0.1, "all"),
        curve_steps=frozenset(range(1, 10)),
    )
    parameters = initial(network, 4, (0, 1))
    references = network.references(parameters)
    rows = feed(training, SPLITS.train)
    for row in records_of(Curve, training, SPLITS):
        gradient = gradient_of(
            training, joined(parameters, references), SPLITS.train, next(rows), randomness(training)
        )
        np.testing.assert_allclose(row.loss, gradient.loss, rtol=1e-12)
        references = {
            name: layer.follow(references[name], gradient.tape[name])
            for name, layer in network.layers
            if isinstance(layer, Norm)
        }
        parameters = each(lambda w, g: 0.99 * w - 0.1 * g, parameters, gradient.gradients)


def test_the_averages_are_not_trained() -> None:
    """They are no parameters and get no gradient; as written out above, they never decay."""
    network = small_mlp(norm=_renorm())
    parameters = initial(network, 4, (0, 1))
    references = network.references(parameters)
    assert not flat(parameters).keys() & flat(references).keys()
    names = ("reference_mean", "reference_deviation", "reference_updates")
    assert set(flat(references)) == {
        f"{norm}.{key}" for norm in ("norm1", "norm2") for key in names
    }
    training = small_training(network=network)
    rows = islice(feed(training, SPLITS.train), 1)
    gradient = gradient_of(
        training, joined(parameters, references), SPLITS.train, next(rows), randomness(training)
    )
    assert flat(gradient.gradients).keys() == flat(parameters).keys()


def test_two_steps_of_training_with_open_limits_use_the_first_step_s_averages() -> None:
    """Rate 0 and no limits: step 2 normalises by the copied statistics of step 1."""
    network = small_mlp(hidden=(6,), norm=_renorm(r_max=np.inf, d_max=np.inf, ramp=0))
    training = small_training(
        network=network, learning_rate=0.0, curve_steps=frozenset({1, 2}), steps=2
    )
    losses = [row.loss for row in records_of(Curve, training, SPLITS)]
    parameters = initial(network, 4, (0, 1))
    first, second = (
        SPLITS.train.take(rows.scored) for rows in islice(feed(training, SPLITS.train), 2)
    )
    h, first_h = (x @ parameters["dense1"]["weight"] for x in (second[0], first[0]))
    ghosts = first_h.reshape(2, 2, 8, 6)
    mean = ghosts.mean(axis=(1, 2))[:, None]
    deviation = np.sqrt(ghosts.var(axis=2) + 1e-5).mean(axis=1)[:, None]
    logits = np.maximum((h - mean) / deviation, 0) @ parameters["dense2"]["weight"]
    shifted = np.exp(logits)
    right = np.take_along_axis(shifted, second[1][..., None], axis=2)[..., 0]
    expected = -np.log(right / shifted.sum(axis=2)).mean(axis=1)
    np.testing.assert_allclose(losses[1], expected, rtol=1e-9)


def test_a_replica_s_averages_are_its_own() -> None:
    layer, x = _renorm(), normal(0, 2, 16, 5)
    _, tape = layer.forward(_at(x, 2), x, generators(2))
    after = layer.follow(_at(x, 2), tape)
    for r in range(2):
        parameters = {k: v[r : r + 1] for k, v in _at(x, 2).items()}
        _, alone = layer.forward(parameters, x[r : r + 1], ())
        for key, value in layer.follow(parameters, alone).items():
            np.testing.assert_allclose(value[0], after[key][r], rtol=1e-13)

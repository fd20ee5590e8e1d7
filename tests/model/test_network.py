from __future__ import annotations

from functools import partial
from itertools import product
from typing import get_args

import numpy as np
import pytest

from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.network import ACTIVATIONS, Activation, Network, no_statistics, training_moments
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import batch_moments
from caviar.model.parameters import arrays, each
from caviar.model.steps.loss import cross_entropy, mean_cross_entropy_gradient
from tests.model.helpers import (
    NormName,
    generators,
    gradient_errors,
    initial,
    normal,
    randomised_network,
    relative_error,
    slope,
    small_mlp,
)
from tests.model.nested import FlatNetwork, flat, nested

NORMS: tuple[NormName, ...] = get_args(NormName)
ARMS = list(product(NORMS, ACTIVATIONS, (0.0, 0.3)))


def _own_statistics(name: str, x: Array) -> Moments:
    return batch_moments(x, 8)


def _parameters(network: Network, replicas: int, features: int = 4) -> NetworkParameters:
    return randomised_network(initial(network, features, tuple(range(replicas))), 70)


def _errors(network: Network, replicas: int) -> dict[str, float]:
    parameters = flat(_parameters(network, replicas))
    return gradient_errors(FlatNetwork(network), parameters, normal(9, replicas, 16, 4))


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(("norm", "activation", "dropout"), ARMS)
def test_backward_is_the_slope_along_random_directions(
    norm: NormName, activation: Activation, dropout: float, replicas: int
) -> None:
    network = small_mlp(norm=norm, activation=activation, dropout=dropout)
    errors = _errors(network, replicas)
    assert max(errors.values()) < 1e-6, errors


def test_layers_are_told_apart_beyond_nine() -> None:
    network = small_mlp(hidden=(4,) * 11, norm="layer", activation="tanh")
    errors = _errors(network, 2)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize(("norm", "activation", "dropout"), ARMS)
def test_gradient_of_the_mean_cross_entropy(
    norm: NormName, activation: Activation, dropout: float
) -> None:
    network = small_mlp(norm=norm, activation=activation, dropout=dropout)
    parameters, x = _parameters(network, 2), normal(9, 2, 16, 4)
    labels = np.random.default_rng(1).integers(0, 3, (2, 16))

    def loss(name: str, value: Array) -> float:
        changed = nested(named | {name: value}, parameters)
        logits, _ = network.forward(changed, x, generators(2))
        return float(cross_entropy(logits, labels).mean(axis=1).sum())

    logits, tape = network.forward(parameters, x, generators(2))
    _, gradients = network.backward(parameters, tape, mean_cross_entropy_gradient(logits, labels))
    named = flat(parameters)
    assert flat(gradients).keys() == named.keys()
    for i, (name, gradient) in enumerate(flat(gradients).items()):
        direction = normal(300 + i, *gradient.shape)
        numeric = slope(partial(loss, name), named[name], direction)
        assert relative_error(float(np.sum(gradient * direction)), numeric) < 1e-6, name


@pytest.mark.parametrize("norm_batch_size", [4, 8, 16])
def test_gradient_is_orthogonal_to_weights_before_batch_norm(norm_batch_size: int) -> None:
    """The loss does not depend on the length of w_j, up to epsilon: SCIENCE C2 f."""
    network = small_mlp(norm_batch_size=norm_batch_size, epsilon=0.0, activation="tanh")
    parameters = _parameters(network, 2)
    logits, tape = network.forward(parameters, normal(9, 2, 16, 4), ())
    _, gradients = network.backward(parameters, tape, normal(5, *logits.shape))
    for name in ("dense1", "dense2"):
        w, g = parameters[name]["weight"], gradients[name]["weight"]
        inner = np.sum(w * g, axis=1)
        size = np.linalg.norm(w, axis=1) * np.linalg.norm(g, axis=1)
        assert np.all(np.abs(inner) < 1e-10 * size)
    last = np.sum(parameters["dense3"]["weight"] * gradients["dense3"]["weight"], axis=1)
    assert np.all(np.abs(last) > 1e-3)


def test_outputs_do_not_change_with_the_length_of_weights_before_batch_norm() -> None:
    network = small_mlp(epsilon=0.0)
    parameters, x = _parameters(network, 2), normal(9, 2, 16, 4)
    longer = parameters | {"dense1": {"weight": 7 * parameters["dense1"]["weight"]}}
    expected = network.forward(parameters, x, ())[0]
    np.testing.assert_allclose(network.forward(longer, x, ())[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_arms_without_batch_statistics_ignore_the_norm_batch_size(norm: NormName) -> None:
    x = normal(9, 2, 16, 4)
    outputs = []
    for size in (2, 5, 16):
        network = small_mlp(norm=norm, norm_batch_size=size)
        parameters = _parameters(network, 2)
        logits, tape = network.forward(parameters, x, ())
        dx, gradients = network.backward(parameters, tape, normal(5, *logits.shape))
        outputs.append([logits, dx, *arrays(gradients)])
    for other in outputs[1:]:
        for a, b in zip(outputs[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_batch_norm_does_depend_on_the_norm_batch_size() -> None:
    x = normal(9, 2, 16, 4)
    parameters = _parameters(small_mlp(), 2)
    four, eight = (small_mlp(norm_batch_size=m).forward(parameters, x, ())[0] for m in (4, 8))
    assert np.abs(four - eight).max() > 1e-3


def test_network_of_ghosts_is_the_network_on_separate_batches() -> None:
    network = small_mlp(norm_batch_size=8)
    parameters, x, dy = _parameters(network, 2), normal(9, 2, 24, 4), normal(5, 2, 24, 3)
    y, tape = network.forward(parameters, x, ())
    dx, gradients = network.backward(parameters, tape, dy)
    total = each(np.zeros_like, gradients)
    for start in (0, 8, 16):
        rows = slice(start, start + 8)
        y_own, tape_own = network.forward(parameters, x[:, rows], ())
        dx_own, gradients_own = network.backward(parameters, tape_own, dy[:, rows])
        np.testing.assert_allclose(y[:, rows], y_own, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dx[:, rows], dx_own, rtol=1e-10, atol=1e-12)
        total = each(np.add, total, gradients_own)
    for one, expected in zip(arrays(gradients), arrays(total), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-10, atol=1e-12)


def test_mlp_puts_the_norm_before_the_activation_and_bias_only_where_it_counts() -> None:
    names = [name for name, _ in small_mlp(dropout=0.1).layers]
    block = ["dense{}", "norm{}", "relu{}", "dropout{}"]
    assert names == [*(n.format(i) for i in (1, 2) for n in block), "dense3"]
    keys = flat(initial(small_mlp(dropout=0.1), 4, (0,))).keys()
    assert {k for k in keys if k.endswith(".bias")} == {"dense3.bias"}
    for norm in ("layer", "none"):
        keys = flat(initial(small_mlp(norm=norm), 4, (0,))).keys()
        assert {k for k in keys if k.endswith(".bias")} == {f"dense{i}.bias" for i in (1, 2, 3)}
    assert [name for name, _ in small_mlp(norm="none").layers] == [
        *("dense1", "relu1", "dense2", "relu2"),
        "dense3",
    ]


def test_mlp_hands_its_settings_to_the_layers() -> None:
    layers = dict(small_mlp(epsilon=0.25, norm_batch_size=3, activation="tanh", dropout=0.4).layers)
    assert layers["norm2"] == Norm(BatchNorm(3, 0.25))
    assert vars(layers["dropout1"]) == {"rate": 0.4}
    assert vars(layers["dense2"]) == {"units": 5, "bias": False}
    layer_norm = dict(small_mlp(norm="layer", epsilon=0.5).layers)["norm1"]
    assert layer_norm == Norm(LayerNorm(0.5))
    assert vars(layers["dense3"]) == {"units": 3, "bias": True}


def test_arms_share_their_initial_weights() -> None:
    """The same seed starts from the same weights whatever the norm, dropout or precision."""
    one = initial(small_mlp(), 4, (3, 5))
    for norm, dropout in product(NORMS, (0.0, 0.5)):
        other = initial(small_mlp(norm=norm, dropout=dropout), 4, (5, 3))
        for i in (1, 2, 3):
            np.testing.assert_array_equal(
                other[f"dense{i}"]["weight"], one[f"dense{i}"]["weight"][::-1]
            )


def test_split_at_norm_is_the_whole_network() -> None:
    x = normal(9, 2, 16, 4)
    for norm in NORMS:
        network = small_mlp(norm=norm)
        parameters = _parameters(network, 2)
        before, after = network.split_at_norm()
        assert before.layers + after.layers == network.layers
        assert not before.norm_layers
        assert len(before.layers) == (1 if norm == "batch" else len(network.layers))
        halves = after.predict(
            parameters, before.predict(parameters, x, _own_statistics), _own_statistics
        )
        whole = network.predict(parameters, x, _own_statistics)
        np.testing.assert_array_equal(halves, whole)


def test_prediction_under_the_batch_s_own_statistics_is_training_without_dropout() -> None:
    network = small_mlp(dropout=0.5)
    parameters, x = _parameters(network, 2), normal(9, 2, 16, 4)
    trained, _ = small_mlp().forward(parameters, x, ())
    predicted = network.predict(parameters, x, _own_statistics)
    np.testing.assert_allclose(predicted, trained, rtol=1e-12, atol=1e-12)


def test_statistics_are_asked_for_by_layer_with_its_input() -> None:
    network, asked = small_mlp(), []
    parameters, x = _parameters(network, 2), normal(9, 2, 16, 4)

    def spy(name: str, h: Array) -> Moments:
        asked.append((name, h))
        return batch_moments(h, 16)

    network.predict(parameters, x, spy)
    assert [name for name, _ in asked] == list(network.norm_layers) == ["norm1", "norm2"]
    np.testing.assert_array_equal(asked[0][1], x @ parameters["dense1"]["weight"])


def test_a_batch_norm_network_without_statistics_is_a_mistake() -> None:
    network = small_mlp()
    parameters, x = _parameters(network, 1), normal(9, 1, 16, 4)
    with pytest.raises(LookupError, match=r"layer 'norm1' needs batch-norm statistics"):
        network.predict(parameters, x, no_statistics)


def test_training_moments_are_the_ghosts_of_every_batch_norm() -> None:
    network = small_mlp(norm_batch_size=4)
    parameters, x = _parameters(network, 2), normal(9, 2, 16, 4)
    moments = training_moments(network.forward(parameters, x, ())[1])
    assert list(moments) == ["norm1", "norm2"]
    expected = batch_moments(x @ parameters["dense1"]["weight"], 4)
    np.testing.assert_allclose(moments["norm1"].mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(moments["norm1"].variance, expected.variance, rtol=1e-12)
    plain = small_mlp(norm="layer")
    assert not training_moments(plain.forward(_parameters(plain, 2), x, ())[1])

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.averages.bank import frozen
from caviar.model.contract import Array, Moments
from caviar.model.measurements.evalnorm import evalnorm_moments, evalnorm_statistics
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.examples import Examples
from caviar.model.steps.loss import log_softmax
from caviar.model.steps.state import initial_state
from tests.model.helpers import initial, normal, randomised_network, small_mlp, small_splits
from tests.model.moment import evaluations, measured, probing

EPSILON = 0.01
Pair = tuple[list[tuple[Array, Array]], Array]


def _population(values: Array) -> Moments:
    """Population statistics of `(replicas, examples, features)`."""
    return Moments(values.mean(axis=1, keepdims=True), values.var(axis=1, keepdims=True))


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("inside", [True, False])
def test_exact_over_every_batch_that_holds_the_example(m: int, inside: bool) -> None:
    """The mean over all draws, with replacement, of m - 1 other examples from five."""
    values = normal(0, 2, 5, 3) ** 2
    x = values if inside else normal(1, 2, 4, 3) * 3
    moments = evalnorm_statistics({"norm": _population(values)}, m)("norm", x)
    assert moments.mean.shape == moments.variance.shape == x.shape
    others = list(product(range(5), repeat=m - 1))
    for i in range(x.shape[1]):
        batches = [np.concatenate([x[:, i : i + 1], values[:, list(o)]], axis=1) for o in others]
        mean = np.mean([b.mean(axis=1) for b in batches], axis=0)
        variance = np.mean([b.var(axis=1) for b in batches], axis=0)
        np.testing.assert_allclose(moments.mean[:, i], mean, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(moments.variance[:, i], variance, rtol=1e-12, atol=1e-13)


def test_averaged_over_the_population_it_is_the_law_of_batch_statistics() -> None:
    values = normal(0, 2, 50, 3)
    population = _population(values)
    for m in (2, 8, 64):
        moments = evalnorm_statistics({"norm": population}, m)("norm", values)
        mean, variance = (part.mean(axis=1, keepdims=True) for part in moments)
        np.testing.assert_allclose(mean, population.mean, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(variance, (m - 1) / m * population.variance, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_evaluates_each_example_alone_with_it(dtype: DTypeLike) -> None:
    values, layer = normal(0, 2, 50, 3), Norm(BatchNorm(4, 0.1))
    x = normal(1, 2, 7, 3).astype(dtype)
    parameters = {
        "gamma": (1 + normal(2, 2, 1, 3)).astype(dtype),
        "beta": normal(3, 2, 1, 3).astype(dtype),
    }
    statistics = evalnorm_statistics({"norm": _population(values)}, 4)
    y = layer.predict(parameters, x, lambda h: statistics("norm", h))
    assert y.dtype == dtype
    mean, variance = statistics("norm", x)
    expected = (x - mean) / np.sqrt(variance + 0.1) * parameters["gamma"] + parameters["beta"]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    alone = layer.predict(parameters, x[:, 2:3], lambda h: statistics("norm", h))
    np.testing.assert_allclose(alone[:, 0], y[:, 2], rtol=1e-5)


def test_a_large_batch_is_evaluation_with_the_population() -> None:
    values, x, layer = normal(0, 1, 50, 3), normal(1, 1, 7, 3), Norm(BatchNorm(4, 0.1))
    parameters = {"gamma": np.ones((1, 1, 3)), "beta": np.zeros((1, 1, 3))}
    population = {"norm": _population(values)}
    kinds = (evalnorm_statistics(population, 10**9), frozen(population))
    near, exact = (layer.predict(parameters, x, partial(kind, "norm")) for kind in kinds)
    np.testing.assert_allclose(near, exact, rtol=1e-7, atol=1e-8)


def test_layers_have_statistics_of_their_own() -> None:
    one, two = _population(normal(0, 1, 9, 3)), _population(normal(1, 1, 9, 3))
    statistics, x = evalnorm_statistics({"norm1": one, "norm2": two}, 5), normal(2, 1, 4, 3)
    for name, population in (("norm1", one), ("norm2", two)):
        expected = 0.8 * population.mean + 0.2 * x
        np.testing.assert_allclose(statistics(name, x).mean, expected, rtol=1e-12)


def _layer_by_layer(p: dict[str, dict[str, Array]], train: Array, test: Array, m: int) -> Pair:
    """Moments of the training set by layer, and log-probabilities of the test set.

    For one network, every example by itself: the mean and the variance of a batch of this
    example and m - 1 independent draws from the training inputs that this very layer gets.
    """
    depth, moments = sum("gamma" in layer for layer in p.values()), []
    for i in range(1, depth + 1):
        train, test = train @ p[f"dense{i}"]["weight"], test @ p[f"dense{i}"]["weight"]
        mu, second = np.mean(train, axis=0), np.mean(train**2, axis=0)
        moments.append((mu, second - mu**2))

        def normalised(h: Array, mu: Array = mu, second: Array = second, i: int = i) -> Array:
            mean = (h + (m - 1) * mu) / m
            square = (h**2 + (m - 1) * second) / m
            others = (m - 1) * (second - mu**2) + ((m - 1) * mu) ** 2
            square_of_mean = (h**2 + 2 * h * (m - 1) * mu + others) / m**2
            x_hat = (h - mean) / np.sqrt(square - square_of_mean + EPSILON)
            return np.asarray(np.tanh(x_hat * p[f"norm{i}"]["gamma"][0] + p[f"norm{i}"]["beta"][0]))

        train, test = (np.stack([normalised(h) for h in x]) for x in (train, test))
    last = p[f"dense{depth + 1}"]
    return moments, log_softmax(test @ last["weight"] + last["bias"])


def test_each_layer_s_moments_are_those_under_evalnorm_below_it() -> None:
    """The row that a trial reports, against a computation of its own: to 1e-12 in float64."""
    network = small_mlp(hidden=(6, 5, 4), epsilon=EPSILON, activation="tanh")
    parameters = randomised_network(initial(network, 4, (0, 1)), 70)
    splits, m = small_splits(2), 4
    training = replace(probing(), network=network, epsilon=EPSILON, norm_batch_size=m)
    state = replace(initial_state(training, 4, np.dtype(np.float64)), parameters=parameters)
    rows = evaluations(measured(training, splits, state=state))
    moments = evalnorm_moments(network, parameters, splits.train, m)
    for r in range(2):
        p = {n: {k: a[r] for k, a in layer.items()} for n, layer in parameters.items()}
        inputs = [_inputs(getattr(splits, name), r) for name in ("train", "test")]
        by_layer, predictions = _layer_by_layer(p, inputs[0], inputs[1], m)
        for of_layer, expected in zip(moments.values(), by_layer, strict=True):
            for part, value in zip(of_layer, expected, strict=True):
                np.testing.assert_allclose(part[r, 0], value, rtol=1e-12, atol=1e-13)
        labels = splits.test.labels[r]
        loss = -predictions[np.arange(len(labels)), labels].mean()
        np.testing.assert_allclose(rows["test", "evalnorm", ""].loss[r], loss, rtol=1e-12)
        right = np.mean(predictions.argmax(axis=1) == labels)
        assert rows["test", "evalnorm", ""].accuracy[r] == right


def _inputs(examples: Examples, r: int) -> Array:
    rows = np.broadcast_to(np.arange(len(examples)), (examples.replicas, len(examples)))
    return np.asarray(examples.take(rows)[0][r])

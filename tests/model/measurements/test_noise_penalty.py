"""R_in, R_ext and the self-influence between them, from their definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.special import log_softmax

from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.measurements.losses import CHUNK
from caviar.model.measurements.noise_penalty import (
    Frozen,
    Penalty,
    penalty,
    population_loss,
    predicted_self_influence,
)
from caviar.model.measurements.population import population
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.gradient import Randomness, Rows, gradient_of
from tests.model.helpers import (
    alike,
    copies,
    generators,
    initial,
    random_examples,
    randomised_network,
    relative_error,
    small_mlp,
    small_splits,
    small_training,
)

EPSILON = 0.01
NETWORK = small_mlp(epsilon=EPSILON, activation="tanh", dropout=0.4)
ONE_LAYER = small_mlp(epsilon=EPSILON, activation="tanh", hidden=(6,))


def _parameters(network: Network = NETWORK, replicas: int = 2) -> NetworkParameters:
    return randomised_network(initial(network, 4, tuple(range(replicas))), 70)


def _exact(network: Network, parameters: NetworkParameters, data: Examples) -> dict[str, Moments]:
    return population(network, parameters, data, (), generators(data.replicas)).moments


def _orders(data: Examples, count: int | None = None, seed: int = 3) -> Array:
    return np.stack([g.permutation(len(data))[:count] for g in generators(data.replicas, seed)])


def penalties(problem: Frozen, m: int, rows: Array) -> Penalty:
    return penalty(problem, m, rows, population_loss(problem, rows))


Pair = tuple[Array, Array]
OfLayer = Callable[[int, Array], Pair]
"""Maps a layer's number and its pre-activations to mean and variance, broadcast to them."""


def _groups(m: int) -> OfLayer:
    """The statistics of an example's group of m."""

    def moments(i: int, h: Array) -> Pair:
        groups = h.reshape(len(h) // m, m, -1)
        return np.repeat(groups.mean(1), m, axis=0), np.repeat(groups.var(1), m, axis=0)

    return moments


def _known(exact: dict[str, Moments], r: int) -> OfLayer:
    return lambda i, h: (exact[f"norm{i}"].mean[r], exact[f"norm{i}"].variance[r])


def _each(p: NetworkParameters, r: int, x: Array, labels: Array, moments: OfLayer) -> Array:
    """Loss of every example of replica r."""
    depth = sum("gamma" in layer_parameters for layer_parameters in p.values())
    for i in range(1, depth + 1):
        h = x @ p[f"dense{i}"]["weight"][r]
        mean, variance = moments(i, h)
        x_hat = (h - mean) / np.sqrt(variance + EPSILON)
        x = np.tanh(x_hat * p[f"norm{i}"]["gamma"][r] + p[f"norm{i}"]["beta"][r])
    logits = x @ p[f"dense{depth + 1}"]["weight"][r] + p[f"dense{depth + 1}"]["bias"][r]
    return np.asarray(-log_softmax(logits, axis=1)[np.arange(len(x)), labels])


def _as_guests(p: NetworkParameters, r: int, x: Array, labels: Array, m: int) -> Array:
    """Loss of every example among the next group of m, whose statistics leave it out."""
    losses = []
    for start in range(0, len(x), m):
        guests, hosts = ((np.arange(m) + start + by) % len(x) for by in (0, m))
        by_layer: list[Pair] = []

        def of_hosts(i: int, h: Array, by_layer: list[tuple[Array, Array]] = by_layer) -> Pair:
            by_layer.append((h.mean(axis=0), h.var(axis=0)))
            return by_layer[-1]

        def kept(i: int, h: Array, by_layer: list[Pair] = by_layer) -> Pair:
            return by_layer[i - 1]

        _each(p, r, x[hosts], labels[hosts], of_hosts)
        losses.append(_each(p, r, x[guests], labels[guests], kept))
    return np.concatenate(losses)


@pytest.mark.parametrize("m", [2, 4, 6, 12])
def test_penalties_of_a_partition_by_hand(m: int) -> None:
    data, parameters = random_examples(24, 2), _parameters()
    order = _orders(data)
    exact = _exact(NETWORK, parameters, data)
    penalty = penalties(Frozen(NETWORK, parameters, data, exact), m, order)
    for r in range(2):
        x, labels = data.features[data.index[r][order[r]]], data.labels[r][order[r]]
        base = _each(parameters, r, x, labels, _groups(24)).mean()
        inside = _each(parameters, r, x, labels, _groups(m)).mean() - base
        external = _as_guests(parameters, r, x, labels, m).mean() - base
        np.testing.assert_allclose(penalty.inside[r], inside, rtol=1e-8)
        np.testing.assert_allclose(penalty.external[r], external, rtol=1e-8)


def test_the_whole_training_set_costs_nothing_inside_and_has_no_outside() -> None:
    data, parameters = random_examples(24, 2), _parameters()
    exact = _exact(NETWORK, parameters, data)
    penalty = penalties(Frozen(NETWORK, parameters, data, exact), 24, _orders(data))
    np.testing.assert_allclose(penalty.inside, 0, atol=1e-12)
    assert np.isnan(penalty.external).all()


@pytest.mark.parametrize(("count", "m"), [(22, 4), (23, 4), (21, 10), (13, 6)])
def test_every_row_is_scored_once_and_never_normalised_by_itself(count: int, m: int) -> None:
    """m does not divide the split; the rows that fill it up are others, and not scored."""
    data, parameters = random_examples(24, 1), _parameters(replicas=1)
    order = _orders(data, count)
    exact = _exact(NETWORK, parameters, data)
    penalty = penalties(Frozen(NETWORK, parameters, data, exact), m, order)
    filled = np.append(order[0], order[0, : -count % (2 * m)])
    for start in range(0, count, m):
        group, other = filled[start : start + m], np.roll(filled, -m)[start : start + m]
        assert not set(group[: count - start]) & set(other)
    x, labels = data.features[data.index[0][filled]], data.labels[0][filled]
    known = _each(parameters, 0, x, labels, _known(exact, 0))
    inside = _each(parameters, 0, x, labels, _groups(m))
    external = _as_guests(parameters, 0, x, labels, m)
    for value, losses in ((penalty.inside[0], inside), (penalty.external[0], external)):
        np.testing.assert_allclose(value, (losses - known)[:count].mean(), rtol=1e-8)


def test_the_mean_over_all_orders_is_the_expectation() -> None:
    """All 720 orders of six examples in groups of 2: R_in over all pairs that hold an example."""
    data, parameters = random_examples(6, 1), _parameters(ONE_LAYER, 1)
    exact = _exact(ONE_LAYER, parameters, data)
    orders = np.array(list(permutations(range(6))))
    problem = Frozen(ONE_LAYER, parameters, data, exact)
    by_order = [penalties(problem, 2, order[None]) for order in orders]
    x, labels = data.features[data.index[0]], data.labels[0]
    base = _each(parameters, 0, x, labels, _groups(6)).mean()
    h = x @ parameters["dense1"]["weight"][0]
    inside, external = [], []
    for i in range(6):
        others = [j for j in range(6) if j != i]
        inside += [_alone(parameters, h[i], h[[i, j]], labels[i]) for j in others]
        pairs = [(j, k) for j in others for k in others if j < k]
        external += [_alone(parameters, h[i], h[list(pair)], labels[i]) for pair in pairs]
    np.testing.assert_allclose(np.mean([f.inside for f in by_order]), np.mean(inside) - base)
    np.testing.assert_allclose(np.mean([f.external for f in by_order]), np.mean(external) - base)


def _alone(p: NetworkParameters, h: Array, group: Array, label: int) -> float:
    """Loss of one example, of pre-activation `h`, under the statistics of `group`."""
    x_hat = (h - group.mean(axis=0)) / np.sqrt(group.var(axis=0) + EPSILON)
    a = np.tanh(x_hat * p["norm1"]["gamma"][0, 0] + p["norm1"]["beta"][0, 0])
    logits = a @ p["dense2"]["weight"][0] + p["dense2"]["bias"][0, 0]
    return float(-log_softmax(logits)[label])


@pytest.mark.parametrize("network", [ONE_LAYER, NETWORK], ids=["one layer", "two layers"])
def test_self_influence_is_the_slope_of_the_loss_along_an_example_s_own_pull(
    network: Network,
) -> None:
    """Central difference: every statistic moved towards each example by a little of it."""
    data, parameters = random_examples(30, 2), _parameters(network)
    exact, order = _exact(network, parameters, data), _orders(data, 20)
    slopes = predicted_self_influence(Frozen(network, parameters, data, exact), order)
    step = 1e-4
    for r in range(2):
        x, labels = data.features[data.index[r][order[r]]], data.labels[r][order[r]]
        ends = [_pulled(parameters, r, x, labels, exact, by) for by in (step, -step)]
        numeric = (ends[0] - ends[1]) / (2 * step)
        assert relative_error(float(slopes[r]), float(numeric.mean())) < 1e-6


def _pulled(
    p: NetworkParameters, r: int, x: Array, labels: Array, exact: dict[str, Moments], by: float
) -> Array:
    """Losses with each example's statistics moved by `by` times its own pull, layer by layer.

    The pull is that of the example under the population's statistics below.
    """
    still = x
    for i, moments in enumerate(exact.values(), start=1):
        mean, variance = (part[r, 0] for part in moments)
        scale, shift = p[f"norm{i}"]["gamma"][r], p[f"norm{i}"]["beta"][r]
        still_h = still @ p[f"dense{i}"]["weight"][r]
        h = x @ p[f"dense{i}"]["weight"][r]
        moved_mean = mean + by * (still_h - mean)
        moved_variance = variance + by * ((still_h - mean) ** 2 - variance)
        x = np.tanh((h - moved_mean) / np.sqrt(moved_variance + EPSILON) * scale + shift)
        still = np.tanh((still_h - mean) / np.sqrt(variance + EPSILON) * scale + shift)
    last = len(exact) + 1
    logits = x @ p[f"dense{last}"]["weight"][r] + p[f"dense{last}"]["bias"][r]
    return np.asarray(-log_softmax(logits, axis=1)[np.arange(len(x)), labels])


def test_self_influence_leaves_no_seam_between_chunks() -> None:
    data, parameters = random_examples(CHUNK + 300, 1), _parameters(replicas=1)
    exact, order = _exact(NETWORK, parameters, data), _orders(data)
    problem = Frozen(NETWORK, parameters, data, exact)
    whole = predicted_self_influence(problem, order)
    parts = [
        predicted_self_influence(problem, rows) * rows.shape[1]
        for rows in np.split(order, [700], axis=1)
    ]
    np.testing.assert_allclose(whole, sum(parts) / len(data), rtol=1e-10)


def _learnt(data: Examples) -> NetworkParameters:
    """Weights of one hidden layer after some steps of full-batch descent."""
    training = small_training(network=ONE_LAYER, seeds=(0,), batch_size=480)
    network = small_mlp(norm=Norm(BatchNorm(480, EPSILON)), hidden=(6,), activation="tanh")
    whole = replace(training, network=network)
    parameters = initial(whole.network, 4, (0,))
    rows = Rows(np.arange(480)[None], np.zeros((1, 0), int))
    for _ in range(20):
        gradient = gradient_of(whole, parameters, data, rows, Randomness((), ()))
        parameters = each(lambda w, g: w - 0.2 * g, parameters, gradient.gradients)
    return parameters


def test_one_hidden_layer_s_self_influence_is_as_predicted() -> None:
    """Mean of R_in - R_ext at m = 40 of 480 over 4,000 orders: within 4 standard errors and 5 %.

    The prediction is the first order in 1 / m; the 5 % allow for the second order.
    """
    data, m, stack = small_splits(1, sizes=(480, 20, 20)).train, 40, 100
    parameters = _learnt(data)
    exact = _exact(ONE_LAYER, parameters, data)
    one = Frozen(ONE_LAYER, parameters, data, exact)
    predicted = predicted_self_influence(one, _orders(data))[0]
    predicted *= 480 / 479 / m
    # The same network many times over, each copy with its own order: a stack is quicker.
    same, many = copies(parameters, stack), alike(data, stack)
    known = {k: Moments(*(np.repeat(v, stack, axis=0) for v in m)) for k, m in exact.items()}
    measured = []
    for seed in range(40):
        orders = _orders(many, seed=seed)
        penalty = penalties(Frozen(ONE_LAYER, same, many, known), m, orders)
        measured.append(penalty.inside - penalty.external)
    error = np.std(measured, ddof=1) / np.sqrt(np.size(measured))
    assert error < 0.08 * abs(predicted)
    assert abs(np.mean(measured) - predicted) < 4 * error + 0.05 * abs(predicted)

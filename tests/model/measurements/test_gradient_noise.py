"""Variances of a step's gradient between partitions and between batches."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from caviar.model.contract import Array, Generators, NetworkParameters
from caviar.model.measurements.gradient_noise import (
    GradientNoise,
    gradient_noise,
    gradients_of,
)
from caviar.model.network import Network
from caviar.model.steps.examples import Examples
from caviar.model.steps.ghost_arrangement import class_sorted
from caviar.model.steps.loss import mean_cross_entropy_gradient
from caviar.model.steps.setup import Training
from tests.model.helpers import (
    alike,
    copies,
    generators,
    initial,
    random_examples,
    randomised_network,
    small_mlp,
    small_probes,
    small_training,
)
from tests.model.nested import flat, of_replica

DATA = random_examples(12, 2)


def _training(m: int, batch: int, count: int = 3, **changes: object) -> Training:
    network = small_mlp(norm_batch_size=m, activation="tanh")
    settings = {
        "network": network,
        "norm_batch_size": m,
        "batch_size": batch,
        "probes": small_probes(gradient_batches=count),
    }
    return small_training(**(settings | changes))


def _parameters(network: Network, replicas: int = 2) -> NetworkParameters:
    return randomised_network(initial(network, 4, tuple(range(replicas))), 70)


def noise_at(
    training: Training, parameters: NetworkParameters, data: Examples, draw: Generators
) -> GradientNoise:
    return gradient_noise(training, gradients_of(training, parameters, data), data, draw)


def _gradient(network: Network, parameters: NetworkParameters, r: int, rows: Array) -> Array:
    """The gradient of replica r as one vector, for `rows` of its data in consecutive ghosts."""
    (gradient,) = _gradients(network, of_replica(parameters, r), rows[None], DATA.replica(r))
    return np.asarray(gradient)


def _gradients(
    network: Network, parameters: NetworkParameters, rows: Array, data: Examples = DATA
) -> Array:
    """Gradients of a stack of replicas, `(replicas, parameters)`, all on the same examples."""
    x, labels = alike(data, len(rows)).take(rows)
    logits, tape = network.forward(parameters, x, ())
    upstream = mean_cross_entropy_gradient(logits, labels)
    gradients = flat(network.backward(parameters, tape, upstream)[1])
    each_replica = [gradients[k].reshape(len(rows), -1) for k in sorted(gradients)]
    return np.concatenate(each_replica, axis=1)


def _noise(training: Training, draw: Generators, data: Examples = DATA) -> GradientNoise:
    return noise_at(training, _parameters(training.network, len(draw)), data, draw)


def test_by_hand_from_the_same_draws() -> None:
    """For each batch its rows, then a reshuffle; half squared differences, and a variance."""
    training = _training(3, 6, count=4)
    parameters = _parameters(training.network)
    noise = _noise(training, generators(2))
    for r, generator in enumerate(generators(2)):
        first, second = [], []
        for _ in range(4):
            rows = generator.permutation(12)[:6]
            first.append(_gradient(training.network, parameters, r, rows))
            second.append(_gradient(training.network, parameters, r, generator.permutation(rows)))
        between = np.sum((np.array(first) - np.array(second)) ** 2, axis=1).mean() / 2
        np.testing.assert_allclose(noise.partition[r], between, rtol=1e-10)
        np.testing.assert_allclose(noise.total[r], np.var(first, axis=0, ddof=1).sum(), rtol=1e-10)


def _all_partitions(rows: tuple[int, ...]) -> list[list[int]]:
    """Every way to cut four rows into two ghosts of two."""
    return [[rows[0], rows[i], *(x for x in rows[1:] if x != rows[i])] for i in (1, 2, 3)]


def test_expected_variances_are_those_over_all_batches_and_partitions() -> None:
    """Enumerated: 495 batches of 4 of 12, three partitions each; 400 repeats, |z| < 4."""
    training = _training(2, 4, count=5)
    parameters = _parameters(training.network, 1)
    rows = np.array([p for batch in combinations(range(12), 4) for p in _all_partitions(batch)])
    each_batch = _gradients(training.network, copies(parameters, len(rows)), rows)
    every: Array = each_batch.reshape(495, 3, -1)
    partition = every.var(axis=1).sum(axis=1).mean()
    total = every.reshape(-1, every.shape[2]).var(axis=0).sum()
    assert 0.05 < partition / total < 0.95
    repeats = noise_at(training, copies(parameters, 400), alike(DATA, 400), generators(400))
    for name, expected in (("partition", partition), ("total", total)):
        values = getattr(repeats, name)
        z = (values.mean() - expected) / (values.std(ddof=1) / np.sqrt(len(values)))
        assert abs(z) < 4, name


def test_one_ghost_has_no_noise_between_partitions() -> None:
    noise = _noise(_training(6, 6), generators(2))
    np.testing.assert_allclose(noise.partition, 0, atol=1e-20)
    assert np.all(noise.total > 1e-4)


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_without_batch_statistics_partitions_make_no_noise(norm: str) -> None:
    network = small_mlp(norm=norm)  # type: ignore[arg-type]
    noise = _noise(_training(3, 6, network=network), generators(2))
    np.testing.assert_allclose(noise.partition, 0, atol=1e-20)


def test_a_batch_of_all_in_one_ghost_has_no_noise_at_all() -> None:
    noise = _noise(_training(12, 12), generators(2))
    np.testing.assert_allclose(noise.total, 0, atol=1e-20)


def test_it_is_the_noise_of_this_very_training() -> None:
    """Company, arrangement and averaging over partitions all count."""
    whole = _training(12, 6, company=6)
    np.testing.assert_allclose(_noise(whole, generators(2)).partition, 0, atol=1e-20)
    plain = _training(3, 6, count=40)
    averaged = replace(plain, partitions=8)
    one, eight = (_noise(t, generators(2)).partition for t in (plain, averaged))
    assert np.all(one / eight > 4)
    sorted_ghosts = replace(plain, arrangement=class_sorted)
    assert np.all(_noise(sorted_ghosts, generators(2)).partition < 0.9 * one)


def test_a_replica_in_a_stack_equals_itself_alone_and_nothing_changes() -> None:
    training = _training(3, 6)
    parameters = _parameters(training.network)
    before = copy.deepcopy(parameters)
    stack = noise_at(training, parameters, DATA, generators(2))
    np.testing.assert_equal(parameters, before)
    for r in range(2):
        replica_parameters = of_replica(parameters, r)
        alone = noise_at(training, replica_parameters, DATA.replica(r), generators(2)[r : r + 1])
        for one, whole in zip(alone, stack, strict=True):
            np.testing.assert_allclose(one[0], whole[r], rtol=1e-10)

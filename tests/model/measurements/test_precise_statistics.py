"""Train-mode statistics of an epoch at frozen weights, and evaluation with them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from caviar.model.averages.bank import Propagated
from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.measurements.population import population
from caviar.model.measurements.precise_statistics import precise, propagated, watched
from caviar.model.network import Network
from caviar.model.norms.noise.injected_noise import NoisyNorm, ShiftAndScaleNoise
from caviar.model.norms.norm import Norm
from caviar.model.parameters import each
from caviar.model.steps.ghost_arrangement import class_sorted
from caviar.model.steps.setup import Training
from tests.model.helpers import (
    generators,
    initial,
    normal,
    random_examples,
    randomised_network,
    small_mlp,
    small_training,
)

EPSILON = 0.01


def _training(m: int, batch: int, **changes: object) -> Training:
    network = small_mlp(norm_batch_size=m, epsilon=EPSILON)
    settings = {"network": network, "norm_batch_size": m, "batch_size": batch, "epsilon": EPSILON}
    return small_training(**(settings | changes))


def _parameters(network: Network) -> NetworkParameters:
    return randomised_network(initial(network, 4, (0, 1)), 70)


def _by_hand(p: NetworkParameters, r: int, x: Array, m: int) -> list[Moments]:
    """Statistics of consecutive ghosts of m, layer by layer, each normalised by its own."""
    by_layer = []
    for i in (1, 2):
        h = (x @ p[f"dense{i}"]["weight"][r]).reshape(len(x) // m, m, -1)
        by_layer.append(Moments(h.mean(axis=1), h.var(axis=1)))
        h = (h - by_layer[-1].mean[:, None]) / np.sqrt(by_layer[-1].variance[:, None] + EPSILON)
        h = h.reshape(len(x), -1) * p[f"norm{i}"]["gamma"][r] + p[f"norm{i}"]["beta"][r]
        x = np.maximum(h, 0)
    return by_layer


@pytest.mark.parametrize(
    ("examples", "m", "batch", "company"),
    [(48, 4, 16, 0), (48, 16, 16, 0), (50, 4, 12, 0), (50, 24, 16, 8), (50, 50, 16, 34)],
)
def test_the_ghosts_of_one_random_epoch_layer_by_layer(
    examples: int, m: int, batch: int, company: int
) -> None:
    """Only whole batches count; examples beyond them are left out."""
    training, data = _training(m, batch, company=company), random_examples(examples, 2)
    parameters = _parameters(training.network)
    epoch = propagated(training, parameters, data, generators(2))
    each = batch + company
    count = examples // each * (each // m)
    assert (epoch.norm_batch_size, epoch.ghosts) == (m, each // m)
    for r, generator in enumerate(generators(2)):
        order = generator.permutation(examples)[: count * m]
        expected = _by_hand(parameters, r, data.features[data.index[r][order]], m)
        for name, moments in zip(("norm1", "norm2"), expected, strict=True):
            for stacked, by_hand in zip(epoch.moments[name], moments, strict=True):
                assert stacked.shape[:2] == (2, count)
                np.testing.assert_allclose(stacked[r], by_hand, rtol=1e-9, atol=1e-12)


def test_other_examples_are_left_over_each_time() -> None:
    """With ghosts of 1 the first layer's means are its inputs, which show what was left out."""
    training, data = _training(1, 8), random_examples(20, 1)
    parameters = each(lambda v: v[:1], _parameters(training.network))
    h = data.features[data.index[0]] @ parameters["dense1"]["weight"][0]
    generator, left = generators(1), set()
    for _ in range(20):
        means = propagated(training, parameters, data, generator).moments["norm1"].mean[0]
        absent = [i for i in range(20) if np.abs(means - h[i]).max(axis=1).min() > 1e-9]
        assert len(absent) == 4
        left |= set(absent)
    assert left == set(range(20))


def test_batches_are_arranged_as_in_training() -> None:
    """Sorted by class, the ghosts of a batch of all examples are the classes."""
    training = _training(4, 12, arrangement=class_sorted)
    data = random_examples(12, 2)
    data.labels[:] = data.index // 4
    parameters = _parameters(training.network)
    means = propagated(training, parameters, data, generators(2)).moments["norm1"].mean
    for r in range(2):
        h = data.features @ parameters["dense1"]["weight"][r]
        expected = h.reshape(3, 4, -1).mean(axis=1)
        np.testing.assert_allclose(means[r], expected, rtol=1e-10)


def test_layers_that_watch_the_whole_batch_have_one_ghost() -> None:
    norm = Norm(NoisyNorm(4, EPSILON, ShiftAndScaleNoise(4)))
    training, data = _training(4, 16, network=small_mlp(norm=norm)), random_examples(48, 2)
    parameters = _parameters(training.network)
    epoch = propagated(training, parameters, data, generators(2))
    assert (epoch.norm_batch_size, epoch.ghosts) == (16, 1)
    assert epoch.moments["norm2"].mean.shape == (2, 3, 5)


def test_a_network_without_batch_norm_shows_nothing() -> None:
    network = small_mlp(norm="layer")
    _, tape = network.forward(_parameters(network), normal(0, 2, 16, 4), ())
    assert watched(tape, 16) == ({}, 16)


@pytest.mark.parametrize("m", [2, 4, 16, 48])
def test_precise_variance_of_a_partition_is_the_whole_variance_at_layer_one(m: int) -> None:
    """The law of total variance, exactly; deeper layers get other inputs than the population's."""
    training, data = _training(m, m), random_examples(48, 2)
    parameters = _parameters(training.network)
    statistics = precise(propagated(training, parameters, data, generators(2)))
    exact = population(training.network, parameters, data, (), generators(2)).moments
    for name, features in (("norm1", 6), ("norm2", 5)):
        moments = statistics(name, np.zeros((2, 1, features)))
        same = [
            np.allclose(part, whole, rtol=1e-10, atol=1e-12)
            for part, whole in zip(moments, exact[name], strict=True)
        ]
        assert all(same) if name == "norm1" or m == 48 else not any(same)


def test_precise_is_mean_and_total_variance_of_the_batches() -> None:
    means, variances = normal(0, 2, 6, 3), normal(1, 2, 6, 3) ** 2
    batches = Propagated({"norm1": Moments(means, variances)}, 4, 2)
    moments = precise(batches)("norm1", np.zeros((2, 1, 3), np.float32))
    assert moments.mean.dtype == moments.variance.dtype == np.float32
    for r in range(2):
        total = variances[r].mean(axis=0) + means[r].var(axis=0)
        np.testing.assert_allclose(moments.mean[r, 0], means[r].mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(moments.variance[r, 0], total, rtol=1e-6)


def test_propagating_changes_no_weight_and_is_the_same_under_a_seed() -> None:
    training, data = _training(4, 16), random_examples(48, 2)
    parameters = _parameters(training.network)
    before = copy.deepcopy(parameters)
    first, again, other = (
        propagated(training, parameters, data, generators(2, seed)).moments["norm2"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.mean, again.mean)
    assert not np.isclose(first.mean, other.mean).any()
    np.testing.assert_equal(parameters, before)

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import caviar.model.measurements.losses
from caviar.model.averages.bank import frozen
from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.measurements.losses import CHUNK, batch_statistics, evaluate
from caviar.model.measurements.population import population
from caviar.model.network import Network, no_statistics
from caviar.model.parameters import each
from caviar.model.steps.loss import cross_entropy
from tests.model.helpers import (
    generators,
    initial,
    normal,
    random_examples,
    randomised_network,
    small_mlp,
)

NETWORK = small_mlp(epsilon=0.01)


def _parameters(network: Network = NETWORK, replicas: int = 2) -> NetworkParameters:
    return randomised_network(initial(network, 4, tuple(range(replicas))), 70)


def _by_hand(p: NetworkParameters, r: int, x: Array, size: int) -> tuple[Array, list[Moments]]:
    """Logits of replica r under the statistics of groups of `size`, and these by layer."""
    by_layer = []
    for i in (1, 2):
        h = (x @ p[f"dense{i}"]["weight"][r]).reshape(len(x) // size, size, -1)
        by_layer.append(Moments(h.mean(axis=1), h.var(axis=1)))
        h = (h - by_layer[-1].mean[:, None]) / np.sqrt(by_layer[-1].variance[:, None] + 0.01)
        h = h.reshape(len(x), -1) * p[f"norm{i}"]["gamma"][r] + p[f"norm{i}"]["beta"][r]
        x = np.maximum(h, 0)
    return x @ p["dense3"]["weight"][r] + p["dense3"]["bias"][r], by_layer


def _scores(logits: Array, labels: Array) -> tuple[float, float]:
    logs = logits - logits.max(axis=1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    loss = -logs[np.arange(len(labels)), labels].mean()
    return float(loss), float((logits.argmax(axis=1) == labels).mean())


def test_population_moments_are_those_of_the_whole_training_set() -> None:
    data, parameters = random_examples(50, 2), _parameters()
    exact = population(NETWORK, parameters, data, (), generators(2))
    for r in range(2):
        _, by_hand = _by_hand(parameters, r, data.features[data.index[r]], 50)
        for name, moments in zip(("norm1", "norm2"), by_hand, strict=True):
            whole = exact.moments[name]
            assert whole.mean.shape == whole.variance.shape == (2, 1, moments.mean.shape[1])
            np.testing.assert_allclose(whole.mean[r], moments.mean, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(whole.variance[r], moments.variance, rtol=1e-10)


def test_population_moments_of_single_precision_are_summed_in_double() -> None:
    data = random_examples(3000)
    single = replace(data, features=data.features + 100, dtype=np.float32)
    parameters = each(lambda v: v.astype(np.float32), _parameters(replicas=1))
    moments = population(NETWORK, parameters, single, (), generators(1)).moments
    inputs: dict[str, Array] = {}

    def spy(name: str, h: Array) -> Moments:
        inputs[name] = h
        return frozen(moments)(name, h)

    NETWORK.predict(parameters, single.take(np.arange(3000)[None])[0], spy)
    for name, exact in moments.items():
        h = inputs[name].astype(np.float64)
        assert inputs[name].dtype == np.float32 and exact.mean.dtype == np.float64
        np.testing.assert_allclose(exact.mean[:, 0], h.mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(exact.variance[:, 0], h.var(axis=1), rtol=1e-12)


def test_a_ghost_of_the_training_set_is_population_statistics() -> None:
    """Training with m = N, batch statistics of N and population statistics are one network."""
    data, parameters = random_examples(50, 2), _parameters()
    exact = population(NETWORK, parameters, data, (), generators(2)).moments
    x, _ = data.take(np.broadcast_to(np.arange(50), (2, 50)))
    logits, tape = small_mlp(norm_batch_size=50, epsilon=0.01).forward(parameters, x, ())
    predicted = NETWORK.predict(parameters, x, frozen(exact))
    np.testing.assert_allclose(predicted, logits, rtol=1e-10, atol=1e-12)
    for name, moments in exact.items():
        np.testing.assert_allclose(tape[name].moments.mean, moments.mean, rtol=1e-10, atol=1e-12)
    kinds = {"population": frozen(exact), "batch": batch_statistics(50)}
    scores = evaluate(NETWORK, parameters, data, kinds, group=50)
    np.testing.assert_allclose(scores["batch"].loss, scores["population"].loss, rtol=1e-12)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("chunk", [1, 8, CHUNK])
@pytest.mark.parametrize(("count", "group"), [(12, 4), (10, 4), (13, 5), (9, 8), (7, 7), (11, 1)])
def test_each_example_is_scored_once_in_a_whole_group(
    monkeypatch: pytest.MonkeyPatch, count: int, group: int, chunk: int, ordered: bool
) -> None:
    monkeypatch.setattr(caviar.model.measurements.losses, "CHUNK", chunk)
    data, parameters = random_examples(count, 2), _parameters()
    rows = np.stack([g.permutation(count) for g in generators(2)])
    kinds = {"batch": batch_statistics(group)}
    order = rows if ordered else None
    scores = evaluate(NETWORK, parameters, data, kinds, group=group, order=order)["batch"]
    for r in range(2):
        of_row = rows[r] if ordered else slice(None)
        index, labels = data.index[r][of_row], data.labels[r][of_row]
        company = index[: -count % group]
        logits, _ = _by_hand(parameters, r, data.features[np.append(index, company)], group)
        loss, accuracy = _scores(logits[:count], labels)
        np.testing.assert_allclose(scores.loss[r], loss, rtol=1e-10)
        np.testing.assert_allclose(scores.accuracy[r], accuracy, rtol=1e-12)


@pytest.mark.parametrize(("count", "group"), [(CHUNK + 37, 1), (2 * CHUNK + 60, 48), (1500, 1500)])
def test_chunks_leave_no_seam(count: int, group: int) -> None:
    data, parameters = random_examples(count), _parameters(replicas=1)
    kinds = {"batch": batch_statistics(group), "fixed": batch_statistics(1)}
    exact = population(NETWORK, parameters, data, (), generators(1)).moments
    kinds["fixed"] = frozen(exact)
    scores = evaluate(NETWORK, parameters, data, kinds, group=group)
    x, labels = data.take(np.arange(count)[None])
    fixed = cross_entropy(NETWORK.predict(parameters, x, frozen(exact)), labels).mean()
    np.testing.assert_allclose(scores["fixed"].loss[0], fixed, rtol=1e-10)
    index = data.index[0]
    rows = np.append(index, index[: -count % group])
    logits, _ = _by_hand(parameters, 0, data.features[rows], group)
    np.testing.assert_allclose(scores["batch"].loss[0], _scores(logits[:count], labels[0])[0])


def test_fewer_examples_than_a_group_are_refused() -> None:
    with pytest.raises(ValueError, match="5 examples cannot fill one group of 8"):
        evaluate(NETWORK, _parameters(), random_examples(5, 2), {"b": batch_statistics(8)}, group=8)


def test_a_network_without_batch_norm_needs_no_statistics() -> None:
    network = small_mlp(norm="layer")
    data, parameters = random_examples(20, 2), _parameters(network)
    scores = evaluate(network, parameters, data, {"population": no_statistics})["population"]
    x, labels = data.take(np.broadcast_to(np.arange(20), (2, 20)))
    loss = cross_entropy(network.forward(parameters, x, ())[0], labels).mean(axis=1)
    np.testing.assert_allclose(scores.loss, loss, rtol=1e-12)


def test_groups_of_every_example_are_all_pairs() -> None:
    """A check of `_by_hand` itself: groups of two from the six pairs of four examples."""
    x, parameters = normal(0, 4, 4), _parameters(replicas=1)
    pairs = [list(pair) for pair in combinations(range(4), 2)]
    together, _ = _by_hand(parameters, 0, x[np.concatenate(pairs)], 2)
    alone = np.concatenate([_by_hand(parameters, 0, x[pair], 2)[0] for pair in pairs])
    np.testing.assert_allclose(together, alone, rtol=1e-12)

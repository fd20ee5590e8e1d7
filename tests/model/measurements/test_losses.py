"""Statistics of other examples, and log-probabilities, at frozen weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

import caviar.model.measurements.losses
from caviar.model.averages.bank import frozen
from caviar.model.contract import Array, NetworkParameters
from caviar.model.measurements.losses import (
    CHUNK,
    at_once,
    batch_and_external_statistics,
    evaluate,
    log_probabilities,
)
from caviar.model.measurements.population import population
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.steps.loss import log_softmax as our_log_softmax
from tests.model.helpers import (
    generators,
    initial,
    normal,
    random_examples,
    randomised_network,
    small_mlp,
)


def _by_hand(p: NetworkParameters, r: int, host: Array, guest: Array) -> tuple[Array, Array]:
    """Logits of a batch under its own statistics, and of guests under the same ones."""
    for i in (1, 2):
        h, g = (x @ p[f"dense{i}"]["weight"][r] for x in (host, guest))
        mean, deviation = h.mean(axis=0), np.sqrt(h.var(axis=0) + 1e-5)
        scale, shift = p[f"norm{i}"]["gamma"][r], p[f"norm{i}"]["beta"][r]
        host, guest = (np.maximum((x - mean) / deviation * scale + shift, 0) for x in (h, g))
    weight, bias = p["dense3"]["weight"][r], p["dense3"]["bias"][r]
    return host @ weight + bias, guest @ weight + bias


@pytest.mark.parametrize("m", [3, 4, 6])
def test_under_external_statistics_a_group_is_the_guest_of_the_next(m: int) -> None:
    """Through both layers: the next group's pass does not know of its guests."""
    network = small_mlp()
    parameters, x = randomised_network(initial(network, 4, (0, 1)), 70), normal(0, 2, 12, 4)
    batch, external = batch_and_external_statistics(m)
    inside = network.predict(parameters, x, batch)
    outside = network.predict(parameters, x, external)
    for r, start in ((r, start) for r in range(2) for start in range(0, 12, m)):
        group, other = x[r, start : start + m], np.roll(x[r], -m, axis=0)[start : start + m]
        at_home, _ = _by_hand(parameters, r, group, group)
        _, away = _by_hand(parameters, r, other, group)
        np.testing.assert_allclose(inside[r, start : start + m], at_home, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(outside[r, start : start + m], away, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("hidden", [(6,), (6, 5), (6, 5, 4)])
def test_the_arm_of_other_examples_trains_guests(hidden: tuple[int, ...]) -> None:
    """Two groups: under external statistics the first is the guest of the second, in any depth."""
    network = small_mlp(hidden=hidden)
    arm = small_mlp(norm=Norm(OtherExamplesNorm(4)), hidden=hidden)
    parameters, x = randomised_network(initial(network, 4, (0, 1)), 70), normal(0, 2, 8, 4)
    batch, external = batch_and_external_statistics(4)
    hosts = network.predict(parameters, x, batch)
    guests, trained = network.predict(parameters, x, external), arm.forward(parameters, x, ())[0]
    np.testing.assert_allclose(trained[:, :4], guests[:, :4], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(trained[:, 4:], hosts[:, 4:], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, CHUNK])
def test_log_probabilities_of_every_example_in_the_order_of_the_split(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(caviar.model.measurements.losses, "CHUNK", chunk)
    network, data = small_mlp(), random_examples(30, 2)
    parameters = randomised_network(initial(network, 4, (0, 1)), 70)
    known = frozen(population(network, parameters, data, (), generators(2)).moments)
    logs = log_probabilities(network, parameters, data, known)
    logits = network.predict(parameters, data.features[data.index], known)
    np.testing.assert_allclose(logs, log_softmax(logits, axis=2), rtol=1e-10)
    np.testing.assert_allclose(np.exp(logs).sum(axis=2), 1, rtol=1e-12)
    loss = -np.take_along_axis(logs, data.labels[..., None], axis=2)[..., 0].mean(axis=1)
    scores = evaluate(network, parameters, data, {"known": known})["known"]
    np.testing.assert_allclose(loss, scores.loss, rtol=1e-12)


def test_log_softmax_neither_overflows_nor_loses_the_answer() -> None:
    logits = np.array([[[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [1.0, 2.0, 3.0]]])
    logs = our_log_softmax(logits)
    np.testing.assert_allclose(logs[0, 0], [0, -1e4, -2e4])
    np.testing.assert_allclose(logs[0, 1], -np.log([3, 3, 3]))
    np.testing.assert_allclose(logs[0, 2], log_softmax([1.0, 2.0, 3.0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("classes", "replicas", "examples"),
    [(10, 8, CHUNK), (1000, 64, CHUNK), (100_000, 1, 671), (100_000, 8, 83), (100_000, 1000, 1)],
)
def test_fewer_examples_are_taken_at_once_only_where_layers_are_very_wide(
    classes: int, replicas: int, examples: int
) -> None:
    assert at_once(small_mlp(classes=classes), replicas) == examples

"""SCIENCE C4 and finding 6: what running averages of batch statistics are, exactly and in law."""

from __future__ import annotations

from itertools import islice, permutations, product

import numpy as np
import pytest

from caviar.model.averages.bank import BankState, RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, Tracker, trackers
from caviar.model.averages.frameworks import FRAMEWORKS
from caviar.model.contract import Array, Moments
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import batch_moments
from caviar.model.steps.random_streams import batches, streams
from tests.model.helpers import normal

DECAYS = (0.3, 0.9, 0.99)
NETWORK = Network((("norm1", Norm(BatchNorm(2))),))


def _averages(bank: RunningStatistics, steps: list[Moments], m: int = 2) -> list[Moments]:
    """What the bank reads after each update with batch moments, `(replicas, 1, features)`."""
    replicas, _, features = steps[0].mean.shape
    state: BankState = bank.init(NETWORK, {"norm1": {"gamma": np.ones((replicas, 1, features))}})
    after = []
    for moments in steps:
        state = bank.update(state, {"norm1": moments}, m)
        after.append(bank.read(state.averages)["norm1"])
    return after


def _bank(name: str) -> RunningStatistics:
    return RunningStatistics(tuple(Tracker(CONVENTIONS[name], decay) for decay in DECAYS))


def _drifting(start: Array, speed: Array, steps: int) -> list[Moments]:
    """Mean and variance that both move by `speed` per step, from after the first step on."""
    return [Moments(value, value) for value in (start + t * speed for t in range(1, steps + 1))]


@pytest.mark.parametrize("name", ["biased", "debiased", "cumulative"])
def test_under_a_linear_drift_an_average_lags_behind(name: str) -> None:
    """The lag is b beta / (1 - beta) once the start is forgotten; earlier steps are exact too."""
    start, speed = normal(0, 2, 1, 3) + 9, normal(1, 2, 1, 3) / 10
    steps = _drifting(start, speed, 2500)
    averages = np.array([average.mean for average in _averages(_bank(name), steps)])
    differences = averages - np.array([step.mean[:, 0] for step in steps])[:, np.newaxis]
    t = np.arange(1, 2501)[:, np.newaxis, np.newaxis]
    for i, decay in enumerate(DECAYS):
        lag, forgotten = speed[:, 0] * decay / (1 - decay), decay**t
        error = {
            "biased": -lag + forgotten * (lag - start[:, 0]),
            "debiased": -lag + speed[:, 0] * t * forgotten / (1 - forgotten),
            "cumulative": -speed[:, 0] * (t - 1) / 2,
        }[name]
        np.testing.assert_allclose(differences[:, i], error, atol=1e-10)
        if name != "cumulative":
            np.testing.assert_allclose(differences[-1, i], -lag, atol=1e-9)


def test_a_biased_variance_that_drifts_lags_as_a_mean_does_from_its_start_at_one() -> None:
    start, speed = normal(0, 2, 1, 3) + 9, normal(1, 2, 1, 3) / 10
    steps = _drifting(start, speed, 60)
    for t, average in enumerate(_averages(_bank("biased"), steps), start=1):
        for i, decay in enumerate(DECAYS):
            lag = speed * decay / (1 - decay)
            error = -lag + decay**t * (lag + 1 - start)
            difference = average.variance[i] - steps[t - 1].variance[:, 0]
            np.testing.assert_allclose(difference, error[:, 0], atol=1e-10)


def test_a_debiased_average_of_what_stands_still_is_what_stands_still() -> None:
    still = [Moments(normal(0, 2, 1, 3), normal(1, 2, 1, 3) ** 2)] * 40
    for average in _averages(_bank("debiased"), still):
        for mean, variance in zip(average.mean, average.variance, strict=True):
            np.testing.assert_allclose(mean, still[0].mean[:, 0], rtol=1e-12)
            # Of batches of two, unbiased: twice the biased variance.
            np.testing.assert_allclose(variance, 2 * still[0].variance[:, 0], rtol=1e-12)


def test_a_bank_is_linear_in_what_it_sees() -> None:
    """Every rule's average of a blend is the blend of its averages, starting values and all.

    All but the rule that averages inverse deviations.
    """
    rules = trackers((*CONVENTIONS.values(), *FRAMEWORKS.values()), DECAYS)
    bank = RunningStatistics(
        tuple(t for t in rules if t.convention.second != "inverse_deviation"), epsilon=1e-3
    )
    assert len(bank.trackers) >= len(rules) - 1 > 12
    one, two = (
        [Moments(normal(s + t, 2, 1, 3), normal(s - t, 2, 1, 3) ** 2) for t in range(30)]
        for s in (1000, 2000)
    )
    blend = [
        Moments(0.3 * a.mean + 0.7 * b.mean, 0.3 * a.variance + 0.7 * b.variance)
        for a, b in zip(one, two, strict=True)
    ]
    read = [_averages(bank, series)[-1] for series in (one, two, blend)]
    for a, b, whole in zip(*read, strict=True):
        np.testing.assert_allclose(whole, 0.3 * a + 0.7 * b, rtol=1e-10, atol=1e-10)


def _weights(name: str, decay: float, steps: int) -> Array:
    """The weight of every batch in the average, the oldest first."""
    if name == "cumulative":
        return np.full(steps, 1 / steps)
    weights = (1 - decay) * decay ** np.arange(steps - 1, -1, -1)
    return np.asarray(weights / (1 - decay**steps) if name == "debiased" else weights)


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("name", ["biased", "debiased", "cumulative"])
def test_variance_of_an_average_over_every_shuffling_of_two_epochs(name: str, m: int) -> None:
    """S^2 [sum w^2 / m - sum_e (sum of the epoch's w)^2 / N], by enumeration, at every phase."""
    h, epochs = np.array([0.0, 0.3, 1.0, 7.0]), list(permutations(range(4)))
    orders = np.array([a + b for a, b in product(epochs, repeat=2)])
    steps = 8 // m
    parts = [h[orders[:, t * m : (t + 1) * m], None] for t in range(steps)]
    after = _averages(_bank(name), [batch_moments(x, m) for x in parts], m)
    for t, i in product(range(1, steps + 1), range(len(DECAYS))):
        weights = np.zeros(steps)
        weights[:t] = _weights(name, DECAYS[i], t)
        shared = weights.reshape(2, -1).sum(axis=1)
        expected = h.var(ddof=1) * (np.sum(weights**2) / m - np.sum(shared**2) / 4)
        enumerated = after[t - 1].mean[i, :, 0].var()
        np.testing.assert_allclose(enumerated, expected, rtol=1e-10, atol=1e-12)


def _shuffled_law(decay: float, phase: int, m: int, n: int) -> float:
    """Variance of an old average over S^2, `phase` batches into an epoch of n / m (finding 6)."""
    per_epoch = decay ** (n // m)
    repelled = (1 - decay**phase) ** 2
    repelled += decay ** (2 * phase) * (1 - per_epoch) / (1 + per_epoch)
    return (1 - decay) / ((1 + decay) * m) - repelled / n


def test_variance_of_a_shuffled_average_depends_on_the_phase_of_the_epoch() -> None:
    """Finding 6 through the real batches and the real bank: |z| < 4 over 1,500 seeds.

    At the end of an epoch with a long memory it is 1 / 20 of that of independent batches.
    """
    n, m, seeds, decays = 48, 8, 1500, (0.5, 0.9, 0.95)
    h = np.random.default_rng(3).gamma(1.0, size=(n, 6))
    mean, spread = h.mean(axis=0), h.var(axis=0, ddof=1)
    bank = RunningStatistics(tuple(Tracker(CONVENTIONS["debiased"], d) for d in decays))
    order = batches(streams(tuple(range(seeds)), "order"), n, m)
    steps = 40 * n // m
    by_step = [batch_moments(h[rows], m) for rows in islice(order, steps + n // m)]
    after = _averages(bank, by_step, m)[steps:]
    for phase, (i, decay) in product((1, 3, 6), enumerate(decays)):
        squares = np.mean((after[phase - 1].mean[i] - mean) ** 2 / spread, axis=1)
        law = _shuffled_law(decay, phase, m, n)
        z = (squares.mean() - law) / (squares.std(ddof=1) / np.sqrt(seeds))
        assert abs(z) < 4, (decay, phase, z)
        independent = (1 - decay) / ((1 + decay) * m)
        assert squares.mean() < 0.8 * independent
    assert _shuffled_law(0.95, 6, m, n) < independent / 20

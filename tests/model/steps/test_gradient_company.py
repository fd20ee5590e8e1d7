"""Examples that share a batch's statistics without having a loss."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.averages.bank import frozen
from caviar.model.contract import Array, NetworkParameters
from caviar.model.measurements.population import population
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.noise.injected_noise import (
    NoisyNorm,
    ScaleNoise,
    ShiftAndScaleNoise,
    ShiftNoise,
)
from caviar.model.norms.norm import Norm
from caviar.model.parameters import each
from caviar.model.records import Checked, Curve, StatisticsError
from caviar.model.steps.gradient import Rows, feed, gradient_of, randomness
from caviar.model.steps.loss import cross_entropy, mean_cross_entropy_gradient
from caviar.model.steps.random_streams import company, streams
from caviar.model.steps.setup import Training
from tests.model.helpers import (
    generators,
    initial,
    normal,
    randomised_network,
    records_of,
    relative_error,
    slope,
    small_mlp,
    small_splits,
    small_training,
)
from tests.model.nested import flat, nested, of_replica

SPLITS = small_splits(2)
N, B = 48, 16


def _in_company(m: int, **changes: object) -> Training:
    """Updates of 16 examples under the statistics of m."""
    network = small_mlp(norm_batch_size=m, activation="tanh")
    settings = {"network": network, "norm_batch_size": m, "company": m - B}
    return small_training(**(settings | changes))


def _parameters(network: Network) -> NetworkParameters:
    return randomised_network(initial(network, 4, (0, 1)), 70)


def _rows(count: int) -> Rows:
    order = np.stack([g.permutation(N) for g in generators(2)])
    return Rows(order[:, :B], order[:, B : B + count])


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), examples=st.integers(1, 30), data=st.data())
def test_company_is_of_other_examples_each_once(
    seed: int, examples: int, data: st.DataObject
) -> None:
    batch = data.draw(st.integers(1, examples))
    count = data.draw(st.integers(0, examples - batch))
    rows = np.stack([g.permutation(examples)[:batch] for g in generators(3, seed)])
    joining = company(generators(3, seed + 1), rows, examples, count)
    assert joining.shape == (3, count) and joining.dtype == rows.dtype
    for scored, others in zip(rows, joining, strict=True):
        assert len({*scored, *others}) == batch + count
        assert set(others) <= set(range(examples))


def test_every_other_example_is_as_likely() -> None:
    """4,000 companies of 3 of 10 others; binomial, largest of ten |z| below 4."""
    rows = np.array([[3, 7]])
    streams = generators(1)
    joining = np.concatenate([company(streams, rows, 12, 3)[0] for _ in range(4000)])
    counts = np.bincount(joining, minlength=12)
    assert counts[[3, 7]].sum() == 0
    z = (np.delete(counts, [3, 7]) - 1200) / np.sqrt(4000 * 0.3 * 0.7)
    assert np.abs(z).max() < 4


def test_more_company_than_there_are_others_is_refused() -> None:
    rows = np.zeros((2, 5), int) + np.arange(5)
    with pytest.raises(ValueError, match="4 examples cannot join a batch: there are 3 others"):
        company(generators(2), rows, 8, 4)


def test_the_scored_rows_are_those_of_training_without_company() -> None:
    alone, joined, all_of_them = (
        list(islice(feed(_in_company(m), SPLITS.train), 7)) for m in (B, 24, N)
    )
    for one, two, three in zip(alone, joined, all_of_them, strict=True):
        assert (one.examples, two.examples, three.examples) == (B, 24, N)
        np.testing.assert_array_equal(one.scored, two.scored)
        np.testing.assert_array_equal(one.scored, three.scored)


def test_rows_are_the_same_whenever_asked_and_new_in_every_step() -> None:
    training = _in_company(24)
    first, again = (list(islice(feed(training, SPLITS.train), 6)) for _ in range(2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.company, two.company)
    assert len({rows.company.tobytes() for rows in first}) == 6


def _loss(network: Network, parameters: NetworkParameters, x: Array, labels: Array) -> float:
    """Mean cross-entropy of the first 16 of a forward pass, summed over replicas."""
    logits, _ = network.forward(parameters, x, ())
    return float(cross_entropy(logits[:, :B], labels[:, :B]).mean(axis=1).sum())


@pytest.mark.parametrize("m", [24, N])
def test_the_gradient_is_that_of_the_scored_rows_alone(m: int) -> None:
    training, rows = _in_company(m), _rows(m - B)
    parameters = _parameters(training.network)
    gradient_in_company = gradient_of(
        training, parameters, SPLITS.train, rows, randomness(training)
    )
    x, labels = SPLITS.train.take(np.concatenate([rows.scored, rows.company], axis=1))
    np.testing.assert_allclose(
        gradient_in_company.loss.sum(), _loss(training.network, parameters, x, labels), rtol=1e-12
    )

    def loss(name: str, value: Array) -> float:
        return _loss(training.network, nested(named | {name: value}, parameters), x, labels)

    named = flat(parameters)
    for i, (name, gradient) in enumerate(flat(gradient_in_company.gradients).items()):
        direction = normal(i, *gradient.shape)
        numeric = slope(partial(loss, name), named[name], direction)
        assert relative_error(float(np.sum(gradient * direction)), numeric) < 1e-6, name


def test_labels_of_the_company_are_never_seen() -> None:
    training, rows = _in_company(24), _rows(8)
    parameters = _parameters(training.network)
    for r in range(2):
        examples = SPLITS.train.replica(r)
        labels = examples.labels.copy()
        labels[0, rows.company[r]] = 0
        other = replace(examples, labels=labels)
        one = Rows(rows.scored[r : r + 1], rows.company[r : r + 1])
        replica_parameters = of_replica(parameters, r)
        pair = [
            gradient_of(training, replica_parameters, data, one, randomness(training))
            for data in (examples, other)
        ]
        np.testing.assert_equal(pair[0].gradients, pair[1].gradients)


def test_training_in_the_company_of_all_is_full_batch_norm_written_out() -> None:
    """Steps of gradient descent on 16 rows under the statistics of all 48, without company."""
    training = _in_company(N, curve_steps=frozenset(range(1, 10)))
    network = small_mlp(norm=Norm(BatchNorm(N)), activation="tanh")
    parameters = initial(network, 4, (0, 1))
    order = feed(_in_company(B), SPLITS.train)
    for row in records_of(Curve, training, SPLITS):
        scored = next(order).scored
        x, labels = SPLITS.train.take(np.tile(np.arange(N), (2, 1)))
        logits, tape = network.forward(parameters, x, ())
        one = np.arange(2)[:, None]
        upstream = np.zeros_like(logits)
        upstream[one, scored] = mean_cross_entropy_gradient(
            logits[one, scored], labels[one, scored]
        )
        loss = cross_entropy(logits[one, scored], labels[one, scored]).mean(axis=1)
        np.testing.assert_allclose(row.loss, loss, rtol=1e-9)
        _, gradients = network.backward(parameters, tape, upstream)
        parameters = each(lambda w, g: w - 0.1 * g, parameters, gradients)


def test_the_company_of_all_makes_batch_statistics_the_population_s() -> None:
    training, rows = _in_company(N), _rows(N - B)
    parameters = _parameters(training.network)
    gradient = gradient_of(training, parameters, SPLITS.train, rows, randomness(training))
    exact = population(
        training.network, parameters, SPLITS.train, (), streams((0, 1), "probe")
    ).moments
    for name, moments in exact.items():
        for moment, expected in zip(gradient.tape[name].moments, moments, strict=True):
            np.testing.assert_allclose(moment, expected, rtol=1e-10, atol=1e-12)
    x, labels = SPLITS.train.take(rows.scored)
    logits = training.network.predict(parameters, x, frozen(exact))
    np.testing.assert_allclose(
        gradient.loss, cross_entropy(logits, labels).mean(axis=1), rtol=1e-10
    )


def test_averages_watch_the_statistics_of_the_whole_company() -> None:
    """Under the statistics of all, only the first copy of them is needed: no sampling error."""
    training = _in_company(N, learning_rate=0.0)
    rows = records_of(StatisticsError, training, SPLITS)
    errors = {(r.tracker, r.layer): r for r in rows if r.step == 9}
    for layer in ("norm1", "norm2"):
        debiased = errors["debiased/0.5", layer]
        np.testing.assert_allclose(debiased.mean_error, 0, atol=1e-12)
        bessel = np.log(N / (N - 1))
        np.testing.assert_allclose(debiased.variance_error, bessel, rtol=1e-3)


def test_batch_norm_proves_itself_in_company() -> None:
    checks = records_of(Checked, _in_company(24), SPLITS)
    assert checks == [Checked(1, ()), Checked(2, ())]


@pytest.mark.parametrize("kind", [ShiftNoise, ScaleNoise, ShiftAndScaleNoise])
def test_injected_noise_in_the_company_of_all_is_noise_on_population_statistics(
    kind: type[ShiftNoise | ScaleNoise | ShiftAndScaleNoise],
) -> None:
    """With hardly any noise, training is that under population statistics; with some, it is not."""
    plain = records_of(Curve, _in_company(N), SPLITS)
    runs = {}
    for m in (4, 10**14):
        norm = Norm(NoisyNorm(m, 1e-5, kind(4)))
        noisy = _in_company(N, network=small_mlp(norm=norm, activation="tanh"))
        runs[m] = records_of(Curve, noisy, SPLITS)
    for quiet, loud, expected in zip(runs[10**14], runs[4], plain, strict=True):
        np.testing.assert_allclose(quiet.loss, expected.loss, rtol=1e-5)
        assert np.isfinite(loud.loss).all()
        assert np.abs(loud.loss / expected.loss - 1).min() > 1e-3

"""Rows of noise at a probed moment: which come, and that each is what its name says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

import numpy as np

from caviar.model.contract import Array
from caviar.model.measurements.gradient_noise import gradient_noise, gradients_of
from caviar.model.measurements.noise_penalty import (
    Frozen,
    penalty,
    population_loss,
    predicted_self_influence,
)
from caviar.model.measurements.population import population
from caviar.model.measurements.precise_statistics import propagated
from caviar.model.records import Noise, Record
from caviar.model.steps.random_streams import streams
from tests.model.moment import (
    PARAMETERS,
    PROBED,
    SPLITS,
    TRAINING,
    measured,
    probing,
)


def noise_rows(records: Iterable[Record]) -> list[Noise]:
    return [r for r in records if isinstance(r, Noise)]


OF_LAYERS = (
    *("mean_variance", "deviation_variance", "excess_kurtosis"),
    *("noise_to_signal", "coupling"),
)
OF_SIZES = (
    *("noise_penalty", "external_penalty", "self_influence"),
    *("predicted_self_influence", "penalty_partitions"),
)
OF_GRADIENT = ("partition_variance", "gradient_variance")


def test_noise_rows_by_layer_and_size_and_for_the_network() -> None:
    rows = noise_rows(measured())
    where = [(k, m) for k in ("norm1", "norm2", "network") for m in (4, 16)]
    assert [(r.layer, r.norm_batch_size) for r in rows] == [*where, ("network", 8)]
    for row in rows:
        assert row.step == PROBED
        columns: tuple[str, ...] = OF_LAYERS
        if row.layer == "network":
            columns = OF_GRADIENT if row.norm_batch_size == 8 else OF_SIZES
        for field in fields(Noise)[4:]:
            value = getattr(row, field.name)
            assert value.shape == (2,)
            assert np.isfinite(value).all() == (field.name in columns), field.name
    assert [r.batches for r in rows] == [36, 33, 36, 33, 12, 3, 0]


def test_gradient_noise_stands_beside_the_penalties_of_the_size_trained_with() -> None:
    rows = noise_rows(measured(probing(sizes=(4, 8))))
    of_network = [r for r in rows if r.layer == "network"]
    assert [r.norm_batch_size for r in of_network] == [4, 8]
    for row, trained in zip(of_network, (False, True), strict=True):
        for name in OF_SIZES:
            assert np.isfinite(getattr(row, name)).all()
        for name in OF_GRADIENT:
            assert np.isfinite(getattr(row, name)).all() == trained


def test_no_gradient_batches_no_gradient_noise() -> None:
    rows = noise_rows(measured(probing(gradient_batches=0)))
    assert [r.norm_batch_size for r in rows if r.layer == "network"] == [4, 16]
    assert all(np.isnan(r.gradient_variance).all() for r in rows)


def test_noise_is_that_of_the_probe_stream() -> None:
    """The order of the draws: layers' noise, an epoch of batches, the rows, the gradients."""
    probe = streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), probe)
    propagated(TRAINING, PARAMETERS, SPLITS.train, probe)
    order = np.stack([g.permutation(48) for g in probe])
    gradients = gradients_of(TRAINING, PARAMETERS, SPLITS.train)
    gradient = gradient_noise(TRAINING, gradients, SPLITS.train, probe)
    problem = Frozen(TRAINING.network, PARAMETERS, SPLITS.train, exact.moments)
    loss = population_loss(problem, order)
    predicted = predicted_self_influence(problem, order) * 48 / 47
    for row in noise_rows(measured()):
        m = row.norm_batch_size
        expected: dict[str, Array]
        if row.layer != "network":
            expected = {k: getattr(exact.spread[row.layer][m], k) for k in OF_LAYERS}
        elif m == 8:
            expected = dict(zip(OF_GRADIENT, gradient, strict=True))
        else:
            inside, external = penalty(problem, m, order, loss)
            values = (inside, external, inside - external, predicted / m, np.ones(2))
            expected = dict(zip(OF_SIZES, values, strict=True))
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(row, name), value, rtol=1e-10)


def test_penalties_are_taken_on_as_many_examples_as_asked_for() -> None:
    rows = [r for r in noise_rows(measured(probing(examples=15))) if r.layer == "network"]
    probe = streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), probe)
    propagated(TRAINING, PARAMETERS, SPLITS.train, probe)
    order = np.stack([g.permutation(48)[:15] for g in probe])
    assert [(r.norm_batch_size, r.batches) for r in rows] == [(4, 4), (8, 0)]
    problem = Frozen(TRAINING.network, PARAMETERS, SPLITS.train, exact.moments)
    expected = penalty(problem, 4, order, population_loss(problem, order)).inside
    np.testing.assert_allclose(rows[0].noise_penalty, expected, rtol=1e-10)


def test_a_filled_up_batch_counts_for_the_network_alone() -> None:
    rows = noise_rows(measured(probing(sizes=(5,), gradient_batches=0)))
    assert {r.layer: r.batches for r in rows} == {"norm1": 36, "norm2": 36, "network": 10}


def test_batches_of_the_whole_training_set_cost_nothing() -> None:
    rows = noise_rows(measured(probing(sizes=(48,), gradient_batches=0)))
    (row,) = (r for r in rows if r.layer == "network")
    np.testing.assert_allclose(row.noise_penalty, 0, atol=1e-12)
    assert np.isnan(row.external_penalty).all() and np.isnan(row.self_influence).all()

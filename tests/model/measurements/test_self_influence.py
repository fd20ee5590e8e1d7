"""Penalties averaged over partitions: how many there are, their mean and their standard error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.measurements import self_influence
from caviar.model.measurements.at_step import measure
from caviar.model.measurements.noise_penalty import Frozen, Penalty, penalty, population_loss
from caviar.model.measurements.population import population
from caviar.model.measurements.self_influence import averaged_penalties
from caviar.model.records import Noise
from caviar.model.steps.random_streams import streams, streams_at
from tests.model.helpers import (
    generators,
    initial,
    random_examples,
    randomised_network,
    small_mlp,
    small_splits,
)
from tests.model.moment import PROBED, STATE, measured, probing

NETWORK = small_mlp(hidden=(6,), epsilon=0.01, activation="tanh")


def problem_of(copies: int) -> Frozen:
    """The same network and data many times over."""
    data = random_examples(24)
    parameters = randomised_network(initial(NETWORK, 4, (0,)), 70)
    exact = population(NETWORK, parameters, data, (), generators(1)).moments
    one = Frozen(NETWORK, parameters, data, exact)
    return one.of_replicas(np.zeros(copies, int))


def orders_of(problem: Frozen) -> Array:
    examples = problem.examples
    return np.stack([g.permutation(len(examples)) for g in generators(examples.replicas, 1)])


def test_mean_and_standard_error_are_those_of_the_partitions() -> None:
    problem, rows, most = problem_of(2), orders_of(problem_of(2)), 3
    averaged = averaged_penalties(problem, (4, 8), rows, most, generators(2, 5))
    draws, orders = generators(2, 5), [rows]
    for _ in range(most - 1):
        orders.append(np.stack([g.permutation(r) for g, r in zip(draws, rows, strict=True)]))
    for m in (4, 8):
        parts = [penalty(problem, m, o, population_loss(problem, o)) for o in orders]
        influence = np.array([p.inside - p.external for p in parts])
        np.testing.assert_allclose(
            averaged[m].inside, np.mean([p.inside for p in parts], axis=0), rtol=1e-12
        )
        np.testing.assert_allclose(
            averaged[m].external, np.mean([p.external for p in parts], axis=0), rtol=1e-12
        )
        error = influence.std(axis=0, ddof=1) / np.sqrt(most)
        np.testing.assert_allclose(averaged[m].error, error, rtol=1e-8)
        assert averaged[m].partitions.tolist() == [most, most]


def test_one_partition_has_no_standard_error_and_a_last_batch_no_second_partition() -> None:
    problem = problem_of(2)
    averaged = averaged_penalties(problem, (8,), orders_of(problem), 1, generators(2, 5))[8]
    assert np.isnan(averaged.error).all() and averaged.partitions.tolist() == [1, 1]
    whole = averaged_penalties(problem, (24,), orders_of(problem), 5, generators(2, 5))[24]
    assert whole.partitions.tolist() == [1, 1] and np.isnan(whole.external).all()
    assert np.isfinite(whole.inside).all()


def test_each_replica_stops_when_its_own_error_is_a_tenth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Errors of 9 and 11 % after four partitions, then of 5 % after five; one not finite."""
    # The mean over four of +-x is 1, with a standard error of x / sqrt(3).
    influence = np.array(
        [
            [1 + 0.09 * 3**0.5, 1 - 0.09 * 3**0.5] * 3,
            [1 + 0.11 * 3**0.5, 1 - 0.11 * 3**0.5] * 3,
            [1.0] * 6,
            [np.nan] * 6,
        ]
    )
    measured = np.zeros(4, int)

    def invented(problem: Frozen, m: int, rows: Array, population: Array) -> Penalty:
        kept = problem.examples.index[:, 0]
        values = influence[kept, measured[kept]]
        measured[kept] += 1
        return Penalty(2 + values, np.full(len(kept), 2.0))

    problem = problem_of(4)
    named = np.repeat(np.arange(4)[:, None], 24, axis=1)
    problem = problem._replace(examples=replace(problem.examples, index=named))
    monkeypatch.setattr(self_influence, "penalty", invented)
    averaged = averaged_penalties(problem, (8,), named, 6, generators(4))[8]
    assert averaged.partitions.tolist() == measured.tolist() == [4, 5, 4, 1]
    assert averaged.error[0] == pytest.approx(0.09) and averaged.error[2] == 0


def test_the_standard_error_is_what_the_average_scatters_by() -> None:
    """Over 400 copies of one network, each with partitions of its own."""
    problem = problem_of(400)
    one = averaged_penalties(problem, (6,), orders_of(problem), 3, generators(400, 5))[6]
    influence = one.inside - one.external
    assert len(set(influence.tolist())) == 400
    claimed = np.sqrt(np.mean(one.error**2))
    assert np.std(influence, ddof=1) == pytest.approx(claimed, rel=0.15)


def test_a_replica_alone_has_what_it_has_in_a_stack() -> None:
    data = small_splits(3).train
    parameters = randomised_network(initial(NETWORK, 4, (0, 1, 2)), 70)
    exact = population(NETWORK, parameters, data, (), generators(3)).moments
    problem = Frozen(NETWORK, parameters, data, exact)
    rows = orders_of(problem)
    stack = averaged_penalties(problem, (4, 8), rows, 6, generators(3, 5))
    last = np.array([2])
    alone = averaged_penalties(
        problem.of_replicas(last), (4, 8), rows[last], 6, generators(3, 5)[2:]
    )
    for m in (4, 8):
        for part, of_stack in zip(alone[m], stack[m], strict=True):
            np.testing.assert_array_equal(part, of_stack[last])


def test_further_partitions_shift_no_other_measurement() -> None:
    """Every record but the penalties of the network, and the state of the stream of probes."""
    by_most = []
    for most in (1, 5):
        probe = streams((0, 1), "probe")
        training = probing(penalty_partitions=most)
        state = replace(STATE, step=PROBED)
        records = list(measure(training, small_splits(2), state, probe))
        by_most.append((records, [g.bit_generator.state for g in probe]))
    (once, drawn), (often, drawn_often) = by_most
    assert drawn == drawn_often
    moved = {"noise_penalty", "external_penalty", "self_influence", "self_influence_error"}
    for one, other in zip(once, often, strict=True):
        network = isinstance(one, Noise) and one.layer == "network"
        for name, value in vars(one).items():
            if network and name in {*moved, "penalty_partitions"}:
                continue
            np.testing.assert_array_equal(value, getattr(other, name))


def test_a_step_s_partitions_depend_on_seed_and_step_alone() -> None:
    rows = measured(probing(penalty_partitions=3))
    again = measured(probing(penalty_partitions=3))
    for one, other in zip(rows, again, strict=True):
        np.testing.assert_equal(vars(one), vars(other))
    draws = {
        (seed, step): streams_at((seed,), "penalty", step)[0].bytes(16)
        for seed in (0, 1)
        for step in (4, 5)
    }
    assert len(set(draws.values())) == 4
    assert streams_at((0, 1), "penalty", 4)[1].bytes(16) == draws[1, 4]

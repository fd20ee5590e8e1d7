"""What is measured at one moment: which rows come, and that each is what it is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.special import log_softmax

from model.evalnorm import evalnorm_statistics
from model.evaluate import batch_statistics, evaluate
from model.gradient_noise import gradient_noise
from model.layers import Array
from model.loss import cross_entropy
from model.measure import Moment, measure
from model.network import training_moments
from model.penalty import penalties, self_influence
from model.probe import population
from model.propagate import precise, propagated
from model.records import Evaluation, LogProbabilities, Noise, Record, StatisticsError
from model.running import BankState, frozen
from model.streams import streams
from model.tracker_errors import Split, tracker_errors
from model.training import Splits, Training
from tests.model.helpers import (
    ALL_TRACKERS,
    Norm,
    initial,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)

SPLITS = small_splits(2)
TRAINING = small_training(steps=7, probes=small_probes(probe_steps=frozenset({4, 7})))
PARAMETERS = initial(TRAINING.network, 4, (0, 1))
SPLIT_NAMES = ["train", "validation", "test"]
PROBED, LIGHT, LAST = 4, 5, 7
RUNNING = [("running", tracker.name) for tracker in ALL_TRACKERS]


def _bank(training: Training, steps: int = 3) -> BankState:
    state = training.running.init(training.network, PARAMETERS)
    for step in range(steps):
        x, _ = SPLITS.train.take(np.tile(np.arange(16) + step, (2, 1)))
        _, tape = training.network.forward(PARAMETERS, x, ())
        state = training.running.update(state, training_moments(tape), 8)
    return state


BANK = _bank(TRAINING)


MOMENT = Moment(PARAMETERS, {}, BANK, None)


def _measure(
    training: Training = TRAINING,
    splits: Splits = SPLITS,
    step: int = PROBED,
    at: Moment = MOMENT,
) -> list[Record]:
    return list(measure(training, splits, step, at, streams((0, 1), "probe")))


def _evaluations(records: Iterable[Record]) -> dict[tuple[str, str, str], Evaluation]:
    found = [r for r in records if isinstance(r, Evaluation)]
    rows = {(r.split, r.statistics, r.tracker): r for r in found}
    assert len(rows) == len(found)
    return rows


def test_a_light_moment_evaluates_population_and_batch_statistics_and_the_trackers() -> None:
    records = _measure(step=LIGHT)
    kinds = [("population", ""), ("batch", "")]
    assert list(_evaluations(records)) == [(s, *kind) for s in SPLIT_NAMES for kind in kinds]
    errors = [r for r in records if isinstance(r, StatisticsError)]
    assert len(errors) == 2 * len(ALL_TRACKERS) and len(records) == 6 + len(errors)
    assert {r.step for r in errors} == {LIGHT}


def test_a_probed_moment_evaluates_every_kind_of_statistics() -> None:
    """Trackers on the held-out splits alone: nobody tests on the examples trained with."""
    rows = _evaluations(_measure())
    kinds = [("population", ""), ("precise", ""), ("evalnorm", "")]
    expected = [("train", *kind) for kind in [*kinds, ("batch", "")]]
    for split in ("validation", "test"):
        expected += [(split, *kind) for kind in [*kinds, *RUNNING, ("batch", "")]]
    assert list(rows) == expected
    sizes = {split: len(getattr(SPLITS, split)) for split in SPLIT_NAMES}
    for row in rows.values():
        assert row.step == PROBED and row.norm_batch_size == 8
        assert row.examples == sizes[row.split]
        assert row.loss.shape == row.accuracy.shape == (2,)


@pytest.mark.parametrize("split", SPLIT_NAMES)
def test_evaluations_are_those_of_the_probe(split: str) -> None:
    rows, examples = _evaluations(_measure()), getattr(SPLITS, split)
    own = streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), own).moments
    kinds = {
        ("population", ""): frozen(exact),
        ("batch", ""): batch_statistics(8),
        ("evalnorm", ""): evalnorm_statistics(exact, 8),
        ("precise", ""): precise(propagated(TRAINING, PARAMETERS, SPLITS.train, own)),
    }
    for name, statistics in TRAINING.running.statistics(BANK).items():
        if split != "train":
            kinds["running", name] = statistics
    assert {key[1:] for key in rows if key[0] == split} == set(kinds)
    for kind, statistics in kinds.items():
        group = 8 if kind[0] == "batch" else 1
        scores = evaluate(TRAINING.network, PARAMETERS, examples, {"it": statistics}, group=group)[
            "it"
        ]
        row = rows[split, *kind]
        np.testing.assert_allclose(row.loss, scores.loss, rtol=1e-12)
        np.testing.assert_array_equal(row.accuracy, scores.accuracy)


def test_light_and_probed_moments_agree_where_both_measure() -> None:
    light, probed = (_evaluations(_measure(step=step)) for step in (LIGHT, PROBED))
    for key, row in light.items():
        # Chunks are other when more kinds share them.
        np.testing.assert_allclose(row.loss, probed[key].loss, rtol=1e-12)
    errors = [
        [r for r in _measure(step=step) if isinstance(r, StatisticsError)]
        for step in (LIGHT, PROBED)
    ]
    for one, other in zip(*errors, strict=True):
        np.testing.assert_array_equal(one.mean_error, other.mean_error)


def test_a_split_smaller_than_a_ghost_has_no_batch_row() -> None:
    splits = small_splits(2, sizes=(48, 7, 8))
    rows = _evaluations(_measure(splits=splits, step=LIGHT))
    assert [split for split, kind, _ in rows if kind == "batch"] == ["train", "test"]
    assert ("validation", "population", "") in rows


def test_a_network_without_batch_norm_has_population_rows_only() -> None:
    for norm in ("layer", "none"):
        network = small_mlp(norm=norm)
        training = replace(TRAINING, network=network)
        parameters = initial(network, 4, (0, 1))
        bank = training.running.init(network, parameters)
        records = _measure(training, at=Moment(parameters, {}, bank, None))
        rows = _evaluations(records)
        assert list(rows) == [(split, "population", "") for split in SPLIT_NAMES]
        assert len(records) == 3
        x, labels = SPLITS.test.take(np.tile(np.arange(20), (2, 1)))
        loss = cross_entropy(network.forward(parameters, x, ())[0], labels).mean(axis=1)
        np.testing.assert_allclose(rows["test", "population", ""].loss, loss, rtol=1e-12)


def test_tracker_errors_come_by_layer_and_tracker() -> None:
    rows = [r for r in _measure() if isinstance(r, StatisticsError)]
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (), streams((0, 1), "probe"))
    running = TRAINING.running.read(BANK.averages)
    errors = tracker_errors(running, exact.moments, TRAINING.epsilon, None)
    names = [t.name for t in ALL_TRACKERS]
    assert [(r.layer, r.tracker) for r in rows] == [(k, n) for k in errors for n in names]
    for row in rows:
        assert row.step == PROBED
        for field, value in errors[row.layer]._asdict().items():
            np.testing.assert_array_equal(getattr(row, field), value[names.index(row.tracker)])


@pytest.mark.parametrize("step", [LIGHT, PROBED])
def test_a_split_takes_the_errors_apart(step: int) -> None:
    """In a row: running, shadow, expected at these weights, population."""
    read = TRAINING.running.read(BANK.averages)
    split = Split(read, {k: m._replace(mean=m.mean + 1) for k, m in read.items()})
    rows = [r for r in _measure(step=step, at=MOMENT._replace(split=split)) if _is_error(r)]
    assert len(rows) == 2 * len(ALL_TRACKERS)
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (), streams((0, 1), "probe"))
    for row in rows:
        assert isinstance(row, StatisticsError)
        spread = np.sqrt(exact.moments[row.layer].variance[:, 0] + 1e-5)
        np.testing.assert_array_equal(row.mean_sampling, 0)
        expected = np.sqrt(np.mean(1 / spread**2, axis=1))
        np.testing.assert_allclose(row.mean_staleness, expected, rtol=1e-9)
        np.testing.assert_array_equal(row.variance_staleness, 0)
        np.testing.assert_allclose(row.variance_propagation, row.variance_error, rtol=1e-12)


def _is_error(record: Record) -> bool:
    return isinstance(record, StatisticsError)


def test_errors_are_those_of_the_layer_and_tracker_they_name() -> None:
    """By hand for the first layer, whose pre-activations are x @ weight."""
    h = SPLITS.train.take(np.tile(np.arange(48), (2, 1)))[0] @ PARAMETERS["dense1.weight"]
    first = {
        r.tracker: r for r in _measure() if isinstance(r, StatisticsError) and r.layer == "norm1"
    }
    for t, tracker in enumerate(ALL_TRACKERS):
        shift = (BANK.averages["norm1"].mean[t] - h.mean(axis=1)) / np.sqrt(h.var(axis=1) + 1e-5)
        found = first[tracker.name]
        np.testing.assert_allclose(found.mean_bias, shift.mean(axis=1), rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(found.mean_error, np.sqrt((shift**2).mean(axis=1)), rtol=1e-8)


def _noise(records: Iterable[Record]) -> list[Noise]:
    return [r for r in records if isinstance(r, Noise)]


OF_LAYERS = (
    *("mean_variance", "deviation_variance", "excess_kurtosis"),
    *("noise_to_signal", "coupling"),
)
OF_SIZES = (
    *("noise_penalty", "external_penalty", "self_influence"),
    "predicted_self_influence",
)
OF_GRADIENT = ("partition_variance", "gradient_variance")


def test_noise_rows_by_layer_and_size_and_for_the_network() -> None:
    rows = _noise(_measure())
    where = [(k, m) for k in ("norm1", "norm2", "network") for m in (4, 16)]
    assert [(r.layer, r.norm_batch_size) for r in rows] == [*where, ("network", 8)]
    for row in rows:
        assert row.step == PROBED
        there = OF_LAYERS
        if row.layer == "network":
            there = OF_GRADIENT if row.norm_batch_size == 8 else OF_SIZES
        for field in fields(Noise)[4:]:
            value = getattr(row, field.name)
            assert value.shape == (2,)
            assert np.isfinite(value).all() == (field.name in there), field.name
    assert [r.batches for r in rows] == [36, 33, 36, 33, 12, 3, 0]


def test_gradient_noise_stands_beside_the_penalties_of_the_size_trained_with() -> None:
    rows = _noise(_measure(_probing(sizes=(4, 8))))
    own = [r for r in rows if r.layer == "network"]
    assert [r.norm_batch_size for r in own] == [4, 8]
    for row, there in zip(own, (False, True), strict=True):
        for name in OF_SIZES:
            assert np.isfinite(getattr(row, name)).all()
        for name in OF_GRADIENT:
            assert np.isfinite(getattr(row, name)).all() == there


def test_no_gradient_batches_no_gradient_noise() -> None:
    rows = _noise(_measure(_probing(gradient_batches=0)))
    assert [r.norm_batch_size for r in rows if r.layer == "network"] == [4, 16]
    assert all(np.isnan(r.gradient_variance).all() for r in rows)


def _probing(**changes: object) -> Training:
    return replace(TRAINING, probes=replace(TRAINING.probes, **changes))


def test_noise_is_that_of_the_probe_stream() -> None:
    """The order of the draws: layers' noise, an epoch of batches, the rows, the gradients."""
    own = streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), own)
    propagated(TRAINING, PARAMETERS, SPLITS.train, own)
    order = np.stack([g.permutation(48) for g in own])
    gradient = gradient_noise(TRAINING, PARAMETERS, SPLITS.train, own)
    problem = (TRAINING.network, PARAMETERS, SPLITS.train, exact.moments)
    both = penalties(*problem, (4, 16), order)
    predicted = self_influence(*problem, order) * 48 / 47
    for row in _noise(_measure()):
        m = row.norm_batch_size
        expected: dict[str, Array]
        if row.layer != "network":
            expected = {k: getattr(exact.spread[row.layer][m], k) for k in OF_LAYERS}
        elif m == 8:
            expected = dict(zip(OF_GRADIENT, gradient, strict=True))
        else:
            inside, external = both[m]
            values = (inside, external, inside - external, predicted / m)
            expected = dict(zip(OF_SIZES, values, strict=True))
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(row, name), value, rtol=1e-10)


def test_penalties_are_taken_on_as_many_examples_as_asked_for() -> None:
    rows = [r for r in _noise(_measure(_probing(examples=15))) if r.layer == "network"]
    own = streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), own)
    propagated(TRAINING, PARAMETERS, SPLITS.train, own)
    order = np.stack([g.permutation(48)[:15] for g in own])
    assert [(r.norm_batch_size, r.batches) for r in rows] == [(4, 4), (8, 0)]
    penalty = penalties(TRAINING.network, PARAMETERS, SPLITS.train, exact.moments, (4,), order)[4]
    np.testing.assert_allclose(rows[0].noise_penalty, penalty.inside, rtol=1e-10)


def test_a_filled_up_batch_counts_for_the_network_alone() -> None:
    rows = _noise(_measure(_probing(sizes=(5,), gradient_batches=0)))
    assert {r.layer: r.batches for r in rows} == {"norm1": 36, "norm2": 36, "network": 10}


def test_batches_of_the_whole_training_set_cost_nothing() -> None:
    rows = _noise(_measure(_probing(sizes=(48,), gradient_batches=0)))
    (row,) = (r for r in rows if r.layer == "network")
    np.testing.assert_allclose(row.noise_penalty, 0, atol=1e-12)
    assert np.isnan(row.external_penalty).all() and np.isnan(row.self_influence).all()


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_log_probabilities_of_every_test_example_at_the_end(norm: Norm) -> None:
    network = small_mlp(norm=norm)
    training = replace(_probing(log_probabilities=True), network=network)
    parameters = initial(network, 4, (0, 1))
    at = Moment(parameters, {}, training.running.init(network, parameters), None)
    found = [_measure(training, step=step, at=at) for step in (PROBED, LAST)]
    before, (last,) = ([r for r in f if isinstance(r, LogProbabilities)] for f in found)
    assert not before
    assert last.step == LAST and last.statistics == "population"
    x, labels = SPLITS.test.take(np.tile(np.arange(20), (2, 1)))
    exact = population(network, parameters, SPLITS.train, (), streams((0, 1), "probe")).moments
    logits = network.predict(parameters, x, frozen(exact))
    np.testing.assert_allclose(last.log_probabilities, log_softmax(logits, axis=2), rtol=1e-12)
    np.testing.assert_array_equal(last.label, labels)
    np.testing.assert_array_equal(last.example, SPLITS.test.index)
    np.testing.assert_array_equal(last.label, SPLITS.test.labels[last.example])
    right = np.take_along_axis(last.log_probabilities, last.label[..., None], axis=2)[..., 0]
    loss = _evaluations(found[1])["test", "population", ""].loss
    np.testing.assert_allclose(-right.mean(axis=1), loss, rtol=1e-12)


def test_without_being_asked_there_are_no_log_probabilities() -> None:
    assert not [r for r in _measure(step=LAST) if isinstance(r, LogProbabilities)]


def test_measuring_changes_nothing() -> None:
    before = {k: v.copy() for k, v in PARAMETERS.items()}
    averages = {k: [a.copy() for a in m] for k, m in BANK.averages.items()}
    first, second = _measure(), _measure()
    for k, v in before.items():
        np.testing.assert_array_equal(PARAMETERS[k], v)
    for k, arrays in averages.items():
        for now, then in zip(BANK.averages[k], arrays, strict=True):
            np.testing.assert_array_equal(now, then)
    for a, b in zip(first, second, strict=True):
        for name in vars(a):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))

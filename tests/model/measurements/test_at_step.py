"""What is measured at one moment: which rows come, and that each is what its name says."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax

from caviar.model.averages.bank import frozen
from caviar.model.averages.errors import Split, tracker_errors
from caviar.model.contract import Moments
from caviar.model.measurements.evalnorm import evalnorm_moments, evalnorm_statistics
from caviar.model.measurements.losses import batch_statistics, evaluate
from caviar.model.measurements.population import population
from caviar.model.measurements.precise_statistics import precise, propagated
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.norm import Norm
from caviar.model.records import LogProbabilities, Record, StatisticsError
from caviar.model.steps.loss import cross_entropy
from caviar.model.steps.random_streams import streams
from caviar.model.steps.state import initial_state
from tests.model.helpers import (
    ALL_TRACKERS,
    initial,
    small_mlp,
    small_splits,
)
from tests.model.moment import (
    BANK,
    LAST,
    LIGHT,
    PARAMETERS,
    PROBED,
    RUNNING,
    SPLIT_NAMES,
    SPLITS,
    STATE,
    TRAINING,
    evaluations,
    measured,
    probing,
)


def test_a_light_moment_evaluates_population_and_batch_statistics_and_the_trackers() -> None:
    records = measured(step=LIGHT)
    kinds = [("population", ""), ("batch", "")]
    assert list(evaluations(records)) == [(s, *kind) for s in SPLIT_NAMES for kind in kinds]
    errors = [r for r in records if isinstance(r, StatisticsError)]
    assert len(errors) == 2 * len(ALL_TRACKERS) and len(records) == 6 + len(errors)
    assert {r.step for r in errors} == {LIGHT}


def test_a_probed_moment_evaluates_every_kind_of_statistics() -> None:
    """Trackers are evaluated on the held-out splits alone, not on the examples trained with."""
    rows = evaluations(measured())
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
    rows, examples = evaluations(measured()), getattr(SPLITS, split)
    probe = streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), probe).moments
    kinds = {
        ("population", ""): frozen(exact),
        ("batch", ""): batch_statistics(8),
        ("evalnorm", ""): evalnorm_statistics(
            evalnorm_moments(TRAINING.network, PARAMETERS, SPLITS.train, 8), 8
        ),
        ("precise", ""): precise(propagated(TRAINING, PARAMETERS, SPLITS.train, probe)),
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
    light, probed = (evaluations(measured(step=step)) for step in (LIGHT, PROBED))
    for key, row in light.items():
        # Chunks differ when more kinds share them.
        np.testing.assert_allclose(row.loss, probed[key].loss, rtol=1e-12)
    errors = [
        [r for r in measured(step=step) if isinstance(r, StatisticsError)]
        for step in (LIGHT, PROBED)
    ]
    for one, other in zip(*errors, strict=True):
        np.testing.assert_array_equal(one.mean_error, other.mean_error)


def test_a_split_smaller_than_a_ghost_has_no_batch_row() -> None:
    splits = small_splits(2, sizes=(48, 7, 8))
    rows = evaluations(measured(splits=splits, step=LIGHT))
    assert [split for split, kind, _ in rows if kind == "batch"] == ["train", "test"]
    assert ("validation", "population", "") in rows


def test_a_network_without_batch_norm_has_population_rows_only() -> None:
    for norm in ("layer", "none"):
        network = small_mlp(norm=norm)
        training = replace(TRAINING, network=network)
        parameters = initial(network, 4, (0, 1))
        records = measured(training, state=initial_state(training, 4, np.dtype(np.float64)))
        rows = evaluations(records)
        assert list(rows) == [(split, "population", "") for split in SPLIT_NAMES]
        assert len(records) == 3
        x, labels = SPLITS.test.take(np.tile(np.arange(20), (2, 1)))
        loss = cross_entropy(network.forward(parameters, x, ())[0], labels).mean(axis=1)
        np.testing.assert_allclose(rows["test", "population", ""].loss, loss, rtol=1e-12)


def test_tracker_errors_come_by_layer_and_tracker() -> None:
    rows = [r for r in measured() if isinstance(r, StatisticsError)]
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
    """The chain is running, shadow, expected at these weights, population."""
    read = TRAINING.running.read(BANK.averages)
    expected_statistics = propagated(TRAINING, PARAMETERS, SPLITS.train, streams((0, 1), "shadow"))
    state = replace(STATE, shadow=BANK, expected=expected_statistics)
    rows = [r for r in measured(step=step, state=state) if _is_error(r)]
    assert len(rows) == 2 * len(ALL_TRACKERS)
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (), streams((0, 1), "probe"))
    split = Split(read, TRAINING.running.read(TRAINING.running.expect(expected_statistics)))
    errors = tracker_errors(read, exact.moments, TRAINING.epsilon, split)
    names = [t.name for t in ALL_TRACKERS]
    for row in rows:
        assert isinstance(row, StatisticsError)
        t = names.index(row.tracker)
        spread = np.sqrt(exact.moments[row.layer].variance[:, 0] + 1e-5)
        away = (read[row.layer].mean[t] - split.expected[row.layer].mean[t]) / spread
        np.testing.assert_array_equal(row.mean_sampling, 0)
        np.testing.assert_array_equal(row.variance_sampling, 0)
        expected = np.sqrt(np.mean(away**2, axis=1))
        np.testing.assert_allclose(row.mean_staleness, expected, rtol=1e-9)
        for field, value in errors[row.layer]._asdict().items():
            np.testing.assert_array_equal(getattr(row, field), value[t])


def _is_error(record: Record) -> bool:
    return isinstance(record, StatisticsError)


def test_errors_are_those_of_the_layer_and_tracker_they_name() -> None:
    """By hand for the first layer, whose pre-activations are x @ weight."""
    h = SPLITS.train.take(np.tile(np.arange(48), (2, 1)))[0] @ PARAMETERS["dense1"]["weight"]
    first = {
        r.tracker: r for r in measured() if isinstance(r, StatisticsError) and r.layer == "norm1"
    }
    for t, tracker in enumerate(ALL_TRACKERS):
        shift = (BANK.averages["norm1"].mean[t] - h.mean(axis=1)) / np.sqrt(h.var(axis=1) + 1e-5)
        row = first[tracker.name]
        np.testing.assert_allclose(row.mean_bias, shift.mean(axis=1), rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(row.mean_error, np.sqrt((shift**2).mean(axis=1)), rtol=1e-8)


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_log_probabilities_of_every_test_example_at_the_end(norm: Norm) -> None:
    network = small_mlp(norm=norm)
    training = replace(probing(log_probabilities=True), network=network)
    parameters = initial(network, 4, (0, 1))
    state = initial_state(training, 4, np.dtype(np.float64))
    by_step = [measured(training, step=step, state=state) for step in (PROBED, LAST)]
    before, (last,) = ([r for r in f if isinstance(r, LogProbabilities)] for f in by_step)
    assert not before
    assert last.step == LAST and last.statistics == "population"
    x, labels = SPLITS.test.take(np.tile(np.arange(20), (2, 1)))
    exact = population(network, parameters, SPLITS.train, (), streams((0, 1), "probe")).moments
    logits = network.predict(parameters, x, frozen(exact))
    np.testing.assert_allclose(last.log_probabilities, log_softmax(logits, axis=2), rtol=1e-12)
    np.testing.assert_array_equal(last.label, labels)
    np.testing.assert_array_equal(last.example, SPLITS.test.index)
    right = np.take_along_axis(last.log_probabilities, last.label[..., None], axis=2)[..., 0]
    loss = evaluations(by_step[1])["test", "population", ""].loss
    np.testing.assert_allclose(-right.mean(axis=1), loss, rtol=1e-12)


def test_without_being_asked_there_are_no_log_probabilities() -> None:
    assert not [r for r in measured(step=LAST) if isinstance(r, LogProbabilities)]


def test_measuring_changes_nothing() -> None:
    before = copy.deepcopy(STATE)
    first, second = measured(), measured()
    np.testing.assert_equal(vars(STATE), vars(before))
    for a, b in zip(first, second, strict=True):
        for name in vars(a):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_renormalisation_is_read_with_its_own_averages_too() -> None:
    """On the held-out splits, by mean and deviation as they are carried; batch norm has none."""
    renorm = BatchRenorm(TRAINING.norm_batch_size, 3.0, 5.0, 0.9, 1, TRAINING.epsilon)
    training = replace(TRAINING, network=small_mlp(hidden=(6, 6), norm=Norm(renorm)))
    state = initial_state(training, 4, np.dtype(np.float64))
    carried = {
        "reference_mean": np.full((2, 1, 6), 0.5),
        "reference_deviation": np.full((2, 1, 6), 2.0),
        "reference_updates": np.ones((2, 1, 1)),
    }
    references = {name: carried for name in training.network.norm_layers}
    state = replace(state, references=state.references | references)
    rows = evaluations(measured(training, state=state))
    assert [split for split, *kind in rows if kind == ["running", "own"]] == ["validation", "test"]
    known = Moments(carried["reference_mean"], 4.0 - np.full((2, 1, 6), TRAINING.epsilon))
    by_hand = evaluate(
        training.network, state.parameters, SPLITS.test, {"own": lambda name, x: known}
    )
    np.testing.assert_allclose(rows["test", "running", "own"].loss, by_hand["own"].loss, rtol=1e-12)
    assert not any(tracker == "own" for _, _, tracker in evaluations(measured()))

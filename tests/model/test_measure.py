from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np
import pytest

from model.evaluate import batch_statistics, evaluate
from model.loss import cross_entropy
from model.measure import measure
from model.network import training_moments
from model.probe import population
from model.records import Evaluation, Noise, Record, StatisticsError
from model.running import BankState, frozen
from model.streams import streams
from model.tracker_errors import tracker_errors
from model.training import Splits, Training
from tests.model.helpers import ALL_TRACKERS, initial, small_mlp, small_splits, small_training

SPLITS = small_splits(2)
TRAINING = small_training()
PARAMETERS = initial(TRAINING.network, 4, (0, 1))
SPLIT_NAMES = ["train", "validation", "test"]


def _bank(training: Training, steps: int = 3) -> BankState:
    state = training.running.init(training.network, PARAMETERS)
    for step in range(steps):
        x, _ = SPLITS.train.take(np.tile(np.arange(16) + step, (2, 1)))
        _, tape = training.network.forward(PARAMETERS, x, ())
        state = training.running.update(state, training_moments(tape), 8)
    return state


BANK = _bank(TRAINING)


def _measure(training: Training = TRAINING, splits: Splits = SPLITS) -> list[Record]:
    return list(measure(training, splits, 7, PARAMETERS, BANK, streams((0, 1), "probe")))


def _evaluations(records: Iterable[Record]) -> dict[tuple[str, str, str], Evaluation]:
    found = [r for r in records if isinstance(r, Evaluation)]
    rows = {(r.split, r.statistics, r.tracker): r for r in found}
    assert len(rows) == len(found)
    return rows


def test_every_split_is_evaluated_under_every_kind_of_statistics() -> None:
    rows = _evaluations(_measure())
    running = [("running", tracker.name) for tracker in ALL_TRACKERS]
    kinds = [("population", ""), *running, ("batch", "")]
    assert list(rows) == [(split, *kind) for split in SPLIT_NAMES for kind in kinds]
    sizes = {split: len(getattr(SPLITS, split)) for split in SPLIT_NAMES}
    for row in rows.values():
        assert row.step == 7 and row.norm_batch_size == 8
        assert row.examples == sizes[row.split]
        assert row.loss.shape == row.accuracy.shape == (2,)


@pytest.mark.parametrize("split", SPLIT_NAMES)
def test_evaluations_are_those_of_the_probe(split: str) -> None:
    rows, examples = _evaluations(_measure()), getattr(SPLITS, split)
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (), streams((0, 1), "probe"))
    kinds = {("population", ""): frozen(exact.moments), ("batch", ""): batch_statistics(8)}
    for name, statistics in TRAINING.running.statistics(BANK).items():
        kinds["running", name] = statistics
    for kind, statistics in kinds.items():
        group = 8 if kind[0] == "batch" else 1
        scores = evaluate(TRAINING.network, PARAMETERS, examples, {"it": statistics}, group=group)[
            "it"
        ]
        row = rows[split, *kind]
        np.testing.assert_allclose(row.loss, scores.loss, rtol=1e-12)
        np.testing.assert_array_equal(row.accuracy, scores.accuracy)


def test_a_split_smaller_than_a_ghost_has_no_batch_row() -> None:
    splits = small_splits(2, sizes=(48, 7, 8))
    rows = _evaluations(_measure(splits=splits))
    assert [split for split, kind, _ in rows if kind == "batch"] == ["train", "test"]
    assert ("validation", "population", "") in rows


def test_a_network_without_batch_norm_has_population_rows_only() -> None:
    for norm in ("layer", "none"):
        network = small_mlp(norm=norm)
        training = replace(TRAINING, network=network)
        parameters = initial(network, 4, (0, 1))
        bank = training.running.init(network, parameters)
        records = list(measure(training, SPLITS, 7, parameters, bank, streams((0, 1), "probe")))
        rows = _evaluations(records)
        assert list(rows) == [(split, "population", "") for split in SPLIT_NAMES]
        assert len(records) == 3
        x, labels = SPLITS.test.take(np.tile(np.arange(20), (2, 1)))
        loss = cross_entropy(network.forward(parameters, x, ())[0], labels).mean(axis=1)
        np.testing.assert_allclose(rows["test", "population", ""].loss, loss, rtol=1e-12)


def test_tracker_errors_come_by_layer_and_tracker() -> None:
    rows = [r for r in _measure() if isinstance(r, StatisticsError)]
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (), streams((0, 1), "probe"))
    errors = tracker_errors(TRAINING.running.read(BANK), exact.moments, TRAINING.epsilon)
    names = [t.name for t in ALL_TRACKERS]
    assert [(r.layer, r.tracker) for r in rows] == [(k, n) for k in errors for n in names]
    for row in rows:
        own = errors[row.layer][names.index(row.tracker)]
        assert row.step == 7
        for field, value in own._asdict().items():
            np.testing.assert_array_equal(getattr(row, field), value)


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


def test_noise_rows_by_layer_and_size_and_for_the_network() -> None:
    rows = [r for r in _measure() if isinstance(r, Noise)]
    layers = ("norm1", "norm2", "network")
    assert [(r.layer, r.norm_batch_size) for r in rows] == [(k, m) for k in layers for m in (4, 16)]
    spread = ("mean_variance", "deviation_variance", "excess_kurtosis")
    for row in rows:
        whole = row.layer == "network"
        assert row.step == 7
        assert np.isnan(row.noise_penalty).all() == (not whole)
        for name in spread:
            assert np.isnan(getattr(row, name)).all() == whole
        assert all(getattr(row, f.name).shape == (2,) for f in fields(Noise)[4:])
    assert [r.batches for r in rows] == [36, 33, 36, 33, 12, 3]


def test_layer_noise_and_penalty_are_those_of_the_probe_stream() -> None:
    """R_in over one random partition, the probe stream's next draw after the layers' noise."""
    records, own = _measure(), streams((0, 1), "probe")
    exact = population(TRAINING.network, PARAMETERS, SPLITS.train, (4, 16), own)
    order = np.stack([g.permutation(48) for g in own])
    base = _evaluations(records)["train", "population", ""].loss
    for row in (r for r in records if isinstance(r, Noise)):
        m = row.norm_batch_size
        if row.layer != "network":
            expected = exact.spread[row.layer][m]
            np.testing.assert_array_equal(row.mean_variance, expected.mean_variance)
            np.testing.assert_array_equal(row.deviation_variance, expected.deviation_variance)
            np.testing.assert_array_equal(row.excess_kurtosis, expected.excess_kurtosis)
            continue
        x, labels = SPLITS.train.take(order)
        logits = TRAINING.network.predict(PARAMETERS, x, batch_statistics(m))
        penalty = cross_entropy(logits, labels).mean(axis=1) - base
        np.testing.assert_allclose(row.noise_penalty, penalty, rtol=1e-9)


def test_a_filled_up_batch_counts_for_the_network_alone() -> None:
    rows = [r for r in _measure(replace(TRAINING, probe_batch_sizes=(5,))) if isinstance(r, Noise)]
    assert {r.layer: r.batches for r in rows} == {"norm1": 36, "norm2": 36, "network": 10}


def test_batches_of_the_whole_training_set_cost_nothing() -> None:
    records = _measure(replace(TRAINING, probe_batch_sizes=(48,)))
    penalty = next(
        r.noise_penalty for r in records if isinstance(r, Noise) and r.layer == "network"
    )
    np.testing.assert_allclose(penalty, 0, atol=1e-12)


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

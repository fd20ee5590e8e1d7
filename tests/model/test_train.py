from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import DTypeLike
from scipy.special import log_softmax, softmax

from caviar.model.averages.bank import GhostUpdate, RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, Tracker
from caviar.model.network import mlp
from caviar.model.records import (
    Checked,
    Curve,
    Evaluation,
    LogProbabilities,
    Noise,
    Probing,
    StatisticsError,
)
from caviar.model.steps.optimizers import Adam, CoupledDecay, Momentum
from caviar.model.steps.random_streams import batches, streams
from caviar.model.steps.schedules import SCHEDULES, ScheduleName
from caviar.model.steps.setup import Probes
from caviar.model.train import train
from tests.model.helpers import (
    NormName,
    examples,
    initial,
    normal,
    records_of,
    run,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)

SPLITS = small_splits(2)
ALL_STEPS = frozenset(range(1, 10))


def _evaluated(*steps: int) -> Probes:
    """Probes that measure losses and tracker errors after these steps, and nothing else."""
    return small_probes(evaluation_steps=frozenset(steps), probe_steps=frozenset())


LINEAR = mlp((), 3, norm=None, activation="relu", dropout=0.0)


def test_records_come_after_the_steps_asked_for() -> None:
    rows: list[tuple[str, int]] = []
    for record in run(small_training(), SPLITS)[2:]:
        kind = {Curve: "curve", Probing: "probing"}.get(type(record), "measured")
        row = (kind, record.step)
        if row not in rows:
            rows.append(row)
    first = [("curve", 1), ("curve", 2), ("probing", 4), ("measured", 4), ("curve", 5)]
    assert rows == [*first, ("curve", 9), ("probing", 9), ("measured", 9)]


def test_every_kind_of_record_is_reported() -> None:
    kinds = {Checked, Curve, Probing, Evaluation, StatisticsError, Noise}
    assert {type(r) for r in run(small_training(), SPLITS)} == kinds
    each = small_training(probes=small_probes(log_probabilities=True))
    assert {type(r) for r in run(each, SPLITS)} == kinds | {LogProbabilities}


def test_without_steps_asked_for_nothing_is_reported() -> None:
    nothing = frozenset[int]()
    records = run(small_training(curve_steps=nothing, probes=_evaluated()), SPLITS)
    assert records == [Checked(1, ()), Checked(2, ())]


def test_loss_is_the_mean_since_the_last_row() -> None:
    every = records_of(Curve, small_training(curve_steps=ALL_STEPS), SPLITS)
    some = records_of(Curve, small_training(), SPLITS)
    losses = np.stack([r.loss for r in every])
    spans = [(0, 1), (1, 2), (2, 5), (5, 9)]
    for row, (start, stop) in zip(some, spans, strict=True):
        np.testing.assert_allclose(row.loss, losses[start:stop].mean(axis=0), rtol=1e-13)
        for name in ("gradient_norm", "weight_norm", "effective_learning_rate"):
            np.testing.assert_array_equal(getattr(row, name), getattr(every[stop - 1], name))


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rate_follows_the_schedule(name: ScheduleName) -> None:
    training = small_training(schedule=SCHEDULES[name], curve_steps=ALL_STEPS, learning_rate=0.2)
    rates = [r.learning_rate for r in records_of(Curve, training, SPLITS)]
    assert rates == pytest.approx([0.2 * SCHEDULES[name](t / 9) for t in range(9)], rel=1e-13)
    assert rates[0] == 0.2


def _softmax_regression(seed: int, replica: int, rates: list[float]) -> Iterator[list[float]]:
    """Loss, gradient norm and weight norm of each step, written out for one replica."""
    data = SPLITS.train.replica(replica)
    w = initial(LINEAR, 4, (seed,))["dense1"]["weight"][0]
    b = np.zeros(3)
    order = batches(streams((seed,), "order"), len(data), 16)
    for rate, rows in zip(rates, order, strict=False):
        (x,), (labels,) = data.take(rows)
        onehot, logits = np.eye(3)[labels], x @ w + b
        error = (softmax(logits, axis=1) - onehot) / 16
        dw, db = x.T @ error, error.sum(axis=0)
        w, b = w - rate * dw, b - rate * db
        loss = -np.mean(np.sum(onehot * log_softmax(logits, axis=1), axis=1))
        norm = np.sqrt(np.sum(dw**2) + np.sum(db**2))
        yield [float(loss), float(norm), float(np.sqrt(np.sum(w**2)))]


def test_softmax_regression_written_out() -> None:
    training = small_training(
        network=LINEAR, schedule=SCHEDULES["cosine"], curve_steps=ALL_STEPS, learning_rate=0.5
    )
    rows = records_of(Curve, training, SPLITS)
    rates = [0.5 * SCHEDULES["cosine"](t / 9) for t in range(9)]
    for r in range(2):
        for row, expected in zip(rows, _softmax_regression(r, r, rates), strict=True):
            measured = [row.loss[r], row.gradient_norm[r], row.weight_norm[r]]
            np.testing.assert_allclose(measured, expected, rtol=1e-10)
            effective = row.learning_rate / expected[2] ** 2
            np.testing.assert_allclose(row.effective_learning_rate[r], effective, rtol=1e-10)
            assert row.epoch == row.step / 3


def test_weight_norm_counts_weights_alone() -> None:
    training = small_training(learning_rate=0.0, curve_steps=frozenset({1}))
    (row,) = records_of(Curve, training, SPLITS)
    weights = initial(training.network, 4, (0, 1))
    squares = sum((weights[f"dense{i}"]["weight"] ** 2).sum(axis=(1, 2)) for i in (1, 2, 3))
    np.testing.assert_allclose(row.weight_norm, np.sqrt(squares), rtol=1e-12)


def test_norms_do_not_overflow_in_single_precision() -> None:
    training = small_training(network=LINEAR, learning_rate=1e25, curve_steps=frozenset({1}))
    (row,) = records_of(Curve, training, small_splits(2, np.float32))
    assert np.isfinite(row.weight_norm).all() and np.all(row.weight_norm > 1e23)


def test_training_is_the_same_again() -> None:
    for a, b in zip(run(small_training(), SPLITS), run(small_training(), SPLITS), strict=True):
        for name in vars(a):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_easy_problem_is_learnt(norm: NormName, dtype: DTypeLike) -> None:
    training = small_training(
        network=small_mlp(norm=norm),
        steps=150,
        curve_steps=frozenset({1, 150}),
        probes=_evaluated(150),
        optimizer=Momentum(0.9),
        learning_rate=0.05,
    )
    records = run(training, small_splits(2, dtype))
    first, last = (r for r in records if isinstance(r, Curve))
    assert np.all(last.loss < 0.5 * first.loss)
    tests = [r for r in records if isinstance(r, Evaluation) and r.split == "test"]
    assert np.all(next(r.accuracy for r in tests if r.statistics == "population") > 0.8)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
@pytest.mark.parametrize(("dtype", "rate"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_divergence_is_reported_and_not_raised(
    norm: NormName, dtype: DTypeLike, rate: float
) -> None:
    training = small_training(network=small_mlp(norm=norm), learning_rate=rate)
    records = run(training, small_splits(2, dtype))
    curves = [r for r in records if isinstance(r, Curve)]
    assert [r.step for r in curves] == [1, 2, 5, 9]
    assert np.isfinite(curves[0].loss).all()
    assert not np.isfinite([r.loss for r in curves[2:]]).any()
    evaluated = [r for r in records if isinstance(r, Evaluation)]
    assert not np.isfinite([r.loss for r in evaluated]).any()
    sane = run(replace(training, learning_rate=0.1), SPLITS)
    assert [(type(r), r.step) for r in records] == [(type(r), r.step) for r in sane]


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_a_rate_of_1e30_raises_nothing_in_double_precision(norm: NormName) -> None:
    records = run(small_training(network=small_mlp(norm=norm), learning_rate=1e30), SPLITS)
    curves = [r for r in records if isinstance(r, Curve)]
    assert not np.any(curves[-1].loss < 1e20)


def test_a_diverging_replica_leaves_the_others_alone() -> None:
    """The second replica's features are far too large; the first must not notice."""
    whole = small_splits(2)
    scale = whole.train.scale * np.array([1.0, 1e200])[:, None, None]
    broken = replace(whole, train=replace(whole.train, scale=scale))
    training = small_training(network=small_mlp(norm="none"))
    sane = run(training, whole)
    for record, expected in zip(run(training, broken), sane, strict=True):
        assert isinstance(expected, type(record))
        if isinstance(record, Checked | Probing):
            assert record == expected
            continue
        assert isinstance(record, Curve | Evaluation) and isinstance(expected, type(record))
        np.testing.assert_array_equal(record.loss[0], expected.loss[0])
        if isinstance(record, Curve) and record.step > 1:
            assert not np.isfinite(record.loss[1])


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_arms_without_batch_statistics_ignore_the_norm_batch_size(norm: NormName) -> None:
    runs = [
        run(
            small_training(network=small_mlp(norm=norm, norm_batch_size=m), norm_batch_size=m),
            SPLITS,
        )
        for m in (2, 5, 16)
    ]
    for other in runs[1:]:
        for a, b in zip(runs[0], other, strict=True):
            assert isinstance(a, Checked | Curve | Evaluation | Probing)
            for name in vars(a).keys() - {"norm_batch_size"}:
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_ghosts_that_do_not_divide_the_batch_are_refused() -> None:
    training = small_training(network=small_mlp(norm_batch_size=5), norm_batch_size=5)
    with pytest.raises(ValueError, match="a batch of 16 cannot be cut into ghost batches of 5"):
        run(training, SPLITS)


def test_first_layer_averages_are_exact_after_an_epoch_at_rest() -> None:
    """At frozen weights, equal weights on a whole partition give the population mean exactly."""
    cumulative = RunningStatistics((Tracker(CONVENTIONS["cumulative"], 0.9),), "sequential")
    training = small_training(
        running=cumulative, learning_rate=0.0, steps=3, probes=_evaluated(2, 3)
    )
    rows = records_of(StatisticsError, training, SPLITS)
    error = {r.step: r.mean_error for r in rows if r.layer == "norm1"}
    assert np.all(error[2] > 1e-3)
    np.testing.assert_allclose(error[3], 0, atol=1e-12)


@pytest.mark.parametrize(("ghost_update", "watched"), [("first", 8), ("total", 16)])
def test_statistics_are_those_of_the_last_batch_without_memory(
    ghost_update: GhostUpdate, watched: int
) -> None:
    """Decay 0 keeps the last batch alone: checks when the bank is updated, and with what."""
    running = RunningStatistics((Tracker(CONVENTIONS["unbiased"], 0.0),), ghost_update)
    training = small_training(running=running, learning_rate=0.0, steps=3, probes=_evaluated(2))
    error = next(r for r in records_of(StatisticsError, training, SPLITS) if r.layer == "norm1")
    order = batches(streams((0, 1), "order"), 48, 16)
    next(order)
    weight = initial(training.network, 4, (0, 1))["dense1"]["weight"]
    batch = SPLITS.train.take(next(order)[:, :watched])[0] @ weight
    whole = SPLITS.train.take(np.tile(np.arange(48), (2, 1)))[0] @ weight
    shift = (batch.mean(axis=1) - whole.mean(axis=1)) / np.sqrt(whole.var(axis=1) + 1e-5)
    ratio = np.log((batch.var(axis=1, ddof=1) + 1e-5) / (whole.var(axis=1) + 1e-5))
    np.testing.assert_allclose(error.mean_bias, shift.mean(axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(error.variance_bias, ratio.mean(axis=1), rtol=1e-9)


def test_the_gradient_norm_is_before_weight_decay() -> None:
    plain = small_training(curve_steps=frozenset({1}))
    decayed = replace(plain, optimizer=CoupledDecay(Adam(0.9, 0.999), 10.0))
    norms = [records_of(Curve, t, SPLITS)[0].gradient_norm for t in (plain, decayed)]
    np.testing.assert_array_equal(norms[0], norms[1])


def test_training_sees_the_train_split_alone() -> None:
    """Validation and test labels never reach training: scrambling them changes no curve."""
    x = SPLITS.train.features
    curves = []
    for seed in (0, 1):
        labels = np.random.default_rng(seed).integers(0, 3, len(x))
        other = examples(normal(seed, *x.shape), labels, SPLITS.test.index)
        splits = replace(SPLITS, validation=other, test=other)
        curves.append(records_of(Curve, small_training(), splits))
    for a, b in zip(*curves, strict=True):
        np.testing.assert_array_equal(a.loss, b.loss)


def test_the_consumer_s_floating_point_settings_are_left_alone() -> None:
    before = np.geterr()
    records = train(small_training(), small_splits(2))
    next(records)
    assert np.geterr() == before
    assert isinstance(records, Generator)
    records.close()
    assert np.geterr() == before

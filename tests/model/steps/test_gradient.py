"""Gradients averaged over partitions of a batch into ghosts, and arrangements in training."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from caviar.model.contract import Array, NetworkParameters
from caviar.model.parameters import arrays, each
from caviar.model.records import Checked, Curve
from caviar.model.steps.ghost_arrangement import (
    Arrangement,
    class_sorted,
    random,
    repartition,
    stratified,
)
from caviar.model.steps.gradient import Randomness, Rows, batch_of, feed, gradient_of, randomness
from caviar.model.steps.loss import cross_entropy, mean_cross_entropy_gradient
from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Training
from tests.model.helpers import (
    alike,
    copies,
    generators,
    initial,
    normal,
    randomised_network,
    records_of,
    small_mlp,
    small_splits,
    small_training,
)
from tests.model.nested import flat

SPLITS = small_splits(2)
NETWORK = small_mlp(norm_batch_size=4, activation="tanh")
PARAMETERS = randomised_network(initial(NETWORK, 4, (0, 1)), 70)
ROWS = Rows(np.stack([g.permutation(48)[:16] for g in generators(2)]), np.zeros((2, 0), int))


def _averaged(partitions: int, **changes: object) -> Training:
    return small_training(**({"network": NETWORK, "partitions": partitions} | changes))


def _plain(scored: Array) -> tuple[Array, NetworkParameters]:
    """Loss and gradient of one batch, its ghosts consecutive rows."""
    x, labels = SPLITS.train.take(scored)
    logits, tape = NETWORK.forward(PARAMETERS, x, ())
    loss = cross_entropy(logits, labels).mean(axis=1)
    return loss, NETWORK.backward(PARAMETERS, tape, mean_cross_entropy_gradient(logits, labels))[1]


def _flat(gradients: NetworkParameters, replica: int = 0) -> Array:
    named = flat(gradients)
    return np.concatenate([named[k][replica].ravel() for k in sorted(named)])


@pytest.mark.parametrize("partitions", [1, 2, 5])
def test_loss_and_gradient_are_means_over_the_stated_partitions(partitions: int) -> None:
    """The first partition is the batch as it comes, the others are successive reshuffles."""
    training = _averaged(partitions)
    averaged = gradient_of(training, PARAMETERS, SPLITS.train, ROWS, randomness(training))
    partition_streams = streams((0, 1), "partitions")
    batches = [
        ROWS.scored,
        *(repartition(ROWS.scored, partition_streams) for _ in range(partitions - 1)),
    ]
    losses, gradients = zip(*(_plain(scored) for scored in batches), strict=True)
    np.testing.assert_allclose(averaged.loss, np.mean(losses, axis=0), rtol=1e-12)
    assert flat(averaged.gradients).keys() == flat(PARAMETERS).keys()
    for name, gradient in flat(averaged.gradients).items():
        expected = np.mean([flat(g)[name] for g in gradients], axis=0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)
    first = gradient_of(_averaged(1), PARAMETERS, SPLITS.train, ROWS, randomness(training))
    for name in ("norm1", "norm2"):
        np.testing.assert_array_equal(averaged.tape[name].x_hat, first.tape[name].x_hat)
    np.testing.assert_array_equal(averaged.upstream, first.upstream)


def test_the_company_stays_in_every_partition() -> None:
    network = small_mlp(norm_batch_size=6, activation="tanh")
    training = _averaged(3, network=network, company=8)
    rows = next(feed(training, SPLITS.train))
    partition_streams = streams((0, 1), "partitions")
    each = [rows.scored, *(repartition(rows.scored, partition_streams) for _ in range(2))]
    alone = [
        gradient_of(
            _averaged(1, network=network),
            PARAMETERS,
            SPLITS.train,
            rows._replace(scored=one),
            randomness(training),
        )
        for one in each
    ]
    averaged = gradient_of(training, PARAMETERS, SPLITS.train, rows, randomness(training))
    np.testing.assert_allclose(averaged.loss, np.mean([a.loss for a in alone], axis=0), rtol=1e-12)
    for name, gradient in flat(averaged.gradients).items():
        expected = np.mean([flat(a.gradients)[name] for a in alone], axis=0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)


def test_averaging_over_partitions_keeps_single_precision() -> None:
    single = each(lambda v: v.astype(np.float32), PARAMETERS)
    training, data = _averaged(3), small_splits(2, np.float32).train
    averaged = gradient_of(training, single, data, ROWS, randomness(training))
    assert {g.dtype for g in arrays(averaged.gradients)} == {np.dtype(np.float32)}


def test_with_one_ghost_there_is_one_partition() -> None:
    """Its examples come in another order, so training differs by rounding only."""
    whole = small_mlp(norm_batch_size=16, activation="tanh")
    curves = [
        records_of(Curve, _averaged(k, network=whole, norm_batch_size=16), SPLITS) for k in (1, 4)
    ]
    for one, four in zip(*curves, strict=True):
        np.testing.assert_allclose(one.loss, four.loss, rtol=1e-9)
        np.testing.assert_allclose(one.gradient_norm, four.gradient_norm, rtol=1e-9)
    small = [records_of(Curve, _averaged(k), SPLITS)[-1].loss for k in (1, 4)]
    assert np.abs(small[0] - small[1]).min() > 1e-4


def _draws(partitions: int, count: int) -> Array:
    """Gradients of one batch, each with fresh partitions, `(count, parameters)`."""
    stack = 50
    partition_streams, training = generators(stack, 5), _averaged(partitions)
    parameters, data = copies(PARAMETERS, stack), alike(SPLITS.train, stack)
    random = Randomness((), partition_streams)
    batch = Rows(np.repeat(ROWS.scored[:1], stack, axis=0), np.zeros((stack, 0), int))
    draws = []
    for _ in range(count // stack):
        rows = batch._replace(scored=repartition(batch.scored, partition_streams))
        gradient = gradient_of(training, parameters, data, rows, random)
        draws += [_flat(gradient.gradients, replica) for replica in range(stack)]
    return np.array(draws)


def test_averaging_keeps_the_expected_gradient_and_divides_the_noise() -> None:
    """2,000 draws of one partition, 500 of the mean of four; along random directions |z| < 4."""
    one, four = _draws(1, 2000), _draws(4, 500)
    along = [draws @ normal(9, draws.shape[1], 20) for draws in (one, four)]
    error = np.sqrt(sum(a.var(axis=0, ddof=1) / len(a) for a in along))
    z = (along[0].mean(axis=0) - along[1].mean(axis=0)) / error
    assert np.abs(z).max() < 4
    ratio = one.var(axis=0, ddof=1).sum() / four.var(axis=0, ddof=1).sum()
    # A variance of 500 draws is within 4 standard errors, 4 sqrt(2 / 500), in each direction.
    assert 4 / 1.25 < ratio < 4 * 1.25


ARRANGEMENTS: dict[str, Arrangement] = {
    "random": random,
    "class sorted": class_sorted,
    "stratified": stratified(4),
}


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_the_step_s_batch_is_as_arranged_and_its_company_comes_last(name: str) -> None:
    arrange = ARRANGEMENTS[name]
    training = _averaged(1, arrangement=arrange, company=8)
    rows = next(feed(training, SPLITS.train))
    labels = SPLITS.train.take(rows.scored)[1]
    arranged = np.concatenate([arrange(rows.scored, labels), rows.company], axis=1)
    x, y = batch_of(training, SPLITS.train, rows)
    for array, expected in zip((x, y), SPLITS.train.take(arranged), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_class_sorted_ghosts_hold_few_classes_and_stratified_ones_all_alike() -> None:
    """The labels of a training step's ghosts show it."""
    rows = next(feed(_averaged(1), SPLITS.train))
    kinds = {}
    for name, arrange in ARRANGEMENTS.items():
        _, labels = batch_of(_averaged(1, arrangement=arrange), SPLITS.train, rows)
        ghosts = labels.reshape(2, 4, 4)
        counts = np.stack([(ghosts == c).sum(axis=2) for c in range(3)], axis=2)
        kinds[name] = counts
    share = kinds["random"].sum(axis=1, keepdims=True) / 4
    assert np.abs(kinds["stratified"] - share).max() < 1
    present = (kinds["class sorted"] > 0).sum(axis=2)
    assert present.sum(axis=1).max() <= 4 + 2


@pytest.mark.parametrize("name", ["class sorted", "stratified"])
def test_partitions_of_an_arranged_batch_are_arranged(name: str) -> None:
    training = _averaged(3, arrangement=ARRANGEMENTS[name])
    averaged = gradient_of(training, PARAMETERS, SPLITS.train, ROWS, randomness(training))
    partition_streams = streams((0, 1), "partitions")
    batches = [ROWS.scored, *(repartition(ROWS.scored, partition_streams) for _ in range(2))]
    arranged = [ARRANGEMENTS[name](b, SPLITS.train.take(b)[1]) for b in batches]
    gradients = [_plain(scored)[1] for scored in arranged]
    for key, gradient in flat(averaged.gradients).items():
        expected = np.mean([flat(g)[key] for g in gradients], axis=0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_arranged_training_is_sound_and_its_own(name: str) -> None:
    training = _averaged(2, arrangement=ARRANGEMENTS[name], norm_batch_size=4)
    assert records_of(Checked, training, SPLITS) == [Checked(1, ()), Checked(2, ())]
    last = records_of(Curve, training, SPLITS)[-1]
    plain = records_of(Curve, _averaged(2, norm_batch_size=4), SPLITS)[-1]
    assert np.isfinite(last.loss).all()
    assert np.array_equal(last.loss, plain.loss) == (name == "random")


def test_partitions_change_no_rows_and_repeat_no_draw() -> None:
    training = _averaged(4)
    for one, four in zip(
        islice(feed(_averaged(1), SPLITS.train), 5),
        islice(feed(training, SPLITS.train), 5),
        strict=True,
    ):
        np.testing.assert_array_equal(one.scored, four.scored)
    draw = randomness(training)
    first, second = (
        gradient_of(training, PARAMETERS, SPLITS.train, ROWS, draw).loss for _ in range(2)
    )
    assert np.all(first != second)

"""The whole of `measure`: against the rows of our own network, and what it takes and leaves."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from caviar.analysis.audit.evidence import Evidence
from caviar.model.measurements.losses import batch_statistics, evaluate
from caviar.model.measurements.precise_statistics import precise, propagated
from caviar.model.records import Evaluation, StatisticsError
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.measure import measure
from tests.model.helpers import small_splits, small_training
from tests.runner.torch_models.nets import batches, mlp, rows

TRACKER, STEP, SIZE = "unbiased/0.9", 4, 8


class OwnRun(NamedTuple):
    """A training run of our own network up to a step: its rows there, and the state."""

    training: Training
    splits: Splits
    snapshot: Snapshot
    losses: dict[tuple[str, str], float]
    errors: dict[str, StatisticsError]


@functools.cache
def own_run() -> OwnRun:
    training, splits = small_training(seeds=(0,), batch_size=SIZE), small_splits(1)
    records = list(itertools.takewhile(_not_after, train(training, splits, wanted=lambda: True)))
    losses = {
        (r.split, r.statistics): float(r.loss[0])
        for r in records
        if isinstance(r, Evaluation) and r.tracker in ("", TRACKER)
    }
    errors = {
        r.layer: r for r in records if isinstance(r, StatisticsError) and r.tracker == TRACKER
    }
    (snapshot,) = (r for r in records if isinstance(r, Snapshot) and r.step == STEP)
    return OwnRun(training, splits, snapshot, losses, errors)


def _not_after(record: object) -> bool:
    return getattr(record, "step", 0) <= STEP


def in_pytorch(run: OwnRun) -> nn.Sequential:
    """The same network with the same weights and, in its buffers, the running averages."""
    model = mlp(6, 5, features=4)
    parameters, running = run.snapshot.state.parameters, run.training.running
    held = running.read(run.snapshot.state.bank.averages)
    t = [tracker.name for tracker in running.trackers].index(TRACKER)
    with torch.no_grad():
        for i in (1, 2):
            model[3 * i - 3].weight.copy_(torch.as_tensor(parameters[f"dense{i}"]["weight"][0].T))
            norm, ours = model[3 * i - 2], parameters[f"norm{i}"]
            norm.weight.copy_(torch.as_tensor(ours["gamma"][0, 0]))
            norm.bias.copy_(torch.as_tensor(ours["beta"][0, 0]))
            norm.running_mean.copy_(torch.as_tensor(held[f"norm{i}"].mean[t, 0]))
            norm.running_var.copy_(torch.as_tensor(held[f"norm{i}"].variance[t, 0]))
            norm.num_batches_tracked.fill_(STEP)
        model[6].weight.copy_(torch.as_tensor(parameters["dense3"]["weight"][0].T))
        model[6].bias.copy_(torch.as_tensor(parameters["dense3"]["bias"][0, 0]))
    return model


def _tensors(run: OwnRun, split: str) -> tuple[Tensor, Tensor]:
    part = getattr(run.splits, split)
    x, labels = part.take(np.arange(len(part))[None])
    return torch.as_tensor(x[0]), torch.as_tensor(labels[0])


@functools.cache
def of_own_run() -> Evidence:
    run = own_run()
    test = batches(_tensors(run, "test"), SIZE)
    return measure(in_pytorch(run), batches(_tensors(run, "train"), SIZE), test=test, steps=STEP)


def test_losses_are_those_of_our_own_networks_rows() -> None:
    run, evidence = own_run(), of_own_run()
    assert evidence.train is not None and evidence.train.loaded is not None
    assert evidence.test is not None and evidence.test.stored is not None
    assert evidence.test.loaded is not None
    for reading, row in (
        (evidence.train.population, ("train", "population")),
        (evidence.train.loaded, ("train", "batch")),
        (evidence.test.stored, ("test", "running")),
        (evidence.test.population, ("test", "population")),
        (evidence.test.loaded, ("test", "batch")),
    ):
        assert reading.loss == pytest.approx(run.losses[row], abs=1e-9)


def test_errors_of_running_statistics_are_those_of_our_own_networks_rows() -> None:
    run, evidence = own_run(), of_own_run()
    for layer, row in zip(evidence.layers, run.errors.values(), strict=True):
        assert layer.stored is not None
        exact = layer.population.moments
        away = (layer.stored.mean - exact.mean) / np.sqrt(exact.variance + layer.epsilon)
        assert np.sqrt(np.mean(away**2)) == pytest.approx(row.mean_error[0], abs=1e-9)
        pair = (layer.stored.variance + layer.epsilon, exact.variance + layer.epsilon)
        ratio = np.log(pair[0] / pair[1])
        assert np.sqrt(np.mean(ratio**2)) == pytest.approx(row.variance_error[0], abs=1e-9)


def test_precise_and_batch_readings_are_our_own_estimands_on_the_same_batches() -> None:
    """Both draw the same order of the examples from the same generator."""
    run, evidence = own_run(), of_own_run()
    state, examples = run.snapshot.state, run.splits.train
    network, order = run.training.network, np.random.default_rng(0).permutation(len(examples))
    epoch = propagated(run.training, state.parameters, examples, [np.random.default_rng(0)])
    scores = evaluate(
        network,
        state.parameters,
        examples,
        {"precise": precise(epoch), "batch": batch_statistics(SIZE)},
        group=SIZE,
        order=order[None],
    )
    assert evidence.train is not None
    assert evidence.train.precise.loss == pytest.approx(scores["precise"].loss[0], abs=1e-9)
    assert evidence.train.batch.loss == pytest.approx(scores["batch"].loss[0], abs=1e-9)
    penalty = scores["batch"].loss[0] - run.losses["train", "population"]
    assert evidence.train.batch_minus_population.loss == pytest.approx(penalty, abs=1e-9)


def test_the_scatter_is_that_of_our_own_train_mode_batches() -> None:
    run, evidence = own_run(), of_own_run()
    parameters, examples = run.snapshot.state.parameters, run.splits.train
    generator = np.random.default_rng(0)
    partitions = [
        propagated(run.training, parameters, examples, [generator]).moments for _ in range(22)
    ]
    for i, layer in enumerate(evidence.layers, start=1):
        means = np.stack([p[f"norm{i}"].mean[0] for p in partitions])
        assert layer.regrouped.batches == 132
        expected = means.var(axis=1, ddof=1).mean(axis=0)
        assert layer.regrouped.variance.mean == pytest.approx(expected, rel=1e-9)


def test_what_a_norm_is_set_to_is_told() -> None:
    evidence = of_own_run()
    told = [
        (one.name, one.kind, one.momentum, one.updates, one.calls, one.frozen)
        for one in evidence.layers
    ]
    assert told == [(name, "BatchNorm1d", 0.1, STEP, 1, False) for name in ("1", "4")]
    assert (evidence.batch_size, evidence.steps, evidence.examples) == (SIZE, STEP, 48)
    assert (evidence.whole, evidence.never_called) == (True, ())
    assert evidence.class_shares is not None
    labels = _tensors(own_run(), "train")[1][:SIZE]
    assert evidence.class_shares[0] == pytest.approx((labels.bincount(minlength=3) / SIZE).tolist())


def test_no_more_is_read_than_needed_and_the_model_stays_as_it_is() -> None:
    taken = []

    def endless() -> Iterator[tuple[Tensor, Tensor]]:
        for i in itertools.count():
            taken.append(i)
            yield rows(64, seed=i)

    model = mlp(8, 8)
    held = {name: value.clone() for name, value in model.state_dict().items()}
    for norm in (model[1], model[4]):
        norm.running_mean.add_(5.0)
        held[f"{'1' if norm is model[1] else '4'}.running_mean"] += 5.0
    evidence = measure(model, endless())
    assert len(taken) == evidence.examples / 64 < 100
    assert not evidence.whole
    assert all(torch.equal(value, held[name]) for name, value in model.state_dict().items())
    assert model.training


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({"batches": [rows(1)] * 20}, "the data come in batches of one example"),
        ({"batch_size": 1}, "batch size 1, and a norm that sees one value"),
        ({"batch_size": 0}, "batch size 0: give how many examples share a mean"),
        ({"batch_size": 64}, "the data hold 32 examples, fewer than one batch of 64"),
        ({"batches": [rows(1)], "batch_size": 2}, "the data hold 1 example, fewer than one batch"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(given: dict[str, Any], sentence: str) -> None:
    settings: dict[str, Any] = {"batches": [rows(32)]} | given
    with pytest.raises(RequestError, match=sentence):
        measure(mlp(4), **settings)


def test_without_a_loss_the_statistics_are_measured_alone() -> None:
    x = rows(64)[0]
    evidence = measure(mlp(4), [x[:32], x[32:]])
    assert (evidence.train, evidence.class_shares) == (None, None)
    assert evidence.layers[0].regrouped.batches == 32

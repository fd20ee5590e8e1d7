"""All records of one moment of training, taken at the same frozen weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.layers import Array, Generators, Parameters
from model.network import Statistics, no_statistics
from model.probe import (
    Population,
    Scores,
    batch_statistics,
    evaluate,
    population,
    tracker_errors,
)
from model.records import Evaluation, Noise, Record, StatisticsError
from model.running import BankState, frozen
from model.training import Splits, Training

NETWORK = "network"
"""The `layer` of a record that belongs to the network as a whole."""


def measure(
    training: Training,
    splits: Splits,
    step: int,
    parameters: Parameters,
    bank: BankState,
    generators: Generators,
) -> Iterator[Record]:
    """Losses under every kind of statistics, errors of every tracker, noise of batch statistics.

    A network without batch norm has no statistics to choose: its one evaluation a split is
    called `population`.
    """
    if not training.network.norm_layers:
        yield from _evaluations(training, splits, step, parameters, {("population", ""): None})
        return
    exact = population(
        training.network, parameters, splits.train, training.probe_batch_sizes, generators
    )
    kinds: dict[tuple[str, str], Statistics | None] = {("population", ""): frozen(exact.moments)}
    for name, statistics in training.running.statistics(bank).items():
        kinds["running", name] = statistics
    kinds["batch", ""] = batch_statistics(training.norm_batch_size)
    train_loss = None
    for record in _evaluations(training, splits, step, parameters, kinds):
        if (record.split, record.statistics) == ("train", "population"):
            train_loss = record.loss
        yield record
    yield from _errors(training, step, bank, exact)
    yield from _layer_noise(step, exact)
    assert train_loss is not None
    yield from _noise_penalty(training, splits, step, parameters, train_loss, generators)


def _evaluations(
    training: Training,
    splits: Splits,
    step: int,
    parameters: Parameters,
    kinds: dict[tuple[str, str], Statistics | None],
) -> Iterator[Evaluation]:
    size = training.norm_batch_size
    for split in ("train", "validation", "test"):
        examples = getattr(splits, split)
        grouped = ("batch", "") in kinds and len(examples) >= size
        chosen = {
            f"{kind} {tracker}": statistics or no_statistics
            for (kind, tracker), statistics in kinds.items()
            if kind != "batch" or grouped
        }
        scores = evaluate(
            training.network, parameters, examples, chosen, group=size if grouped else 1
        )
        for key, score in scores.items():
            kind, tracker = key.split(" ")
            yield _evaluation(step, split, kind, tracker, size, score, len(examples))


def _evaluation(
    step: int, split: str, kind: str, tracker: str, size: int, score: Scores, examples: int
) -> Evaluation:
    return Evaluation(step, split, kind, tracker, size, score.loss, score.accuracy, examples)


def _errors(
    training: Training, step: int, bank: BankState, exact: Population
) -> Iterator[StatisticsError]:
    for layer, errors in tracker_errors(
        training.running.read(bank), exact.moments, training.epsilon
    ).items():
        for tracker, error in zip(training.running.trackers, errors, strict=True):
            yield StatisticsError(step, layer, tracker.name, *error)


def _layer_noise(step: int, exact: Population) -> Iterator[Noise]:
    for layer, sizes in exact.spread.items():
        for size, spread in sizes.items():
            yield Noise(
                step,
                layer,
                size,
                spread.batches,
                spread.mean_variance,
                spread.deviation_variance,
                spread.excess_kurtosis,
                np.full(spread.mean_variance.shape, np.nan),
            )


def _noise_penalty(
    training: Training,
    splits: Splits,
    step: int,
    parameters: Parameters,
    population_loss: Array,
    generators: Generators,
) -> Iterator[Noise]:
    examples = splits.train
    order = np.stack([g.permutation(len(examples)) for g in generators])
    nan = np.full(population_loss.shape, np.nan)
    for size in training.probe_batch_sizes:
        kinds = {"batch": batch_statistics(size)}
        score = evaluate(training.network, parameters, examples, kinds, group=size, order=order)[
            "batch"
        ]
        batches = -(-len(examples) // size)
        penalty = score.loss - population_loss
        yield Noise(step, NETWORK, size, batches, nan, nan, nan, penalty)

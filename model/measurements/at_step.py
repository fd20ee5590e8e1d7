"""All records of one moment of training, taken at the same frozen weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caviar.model.averages.bank import BankState, frozen
from caviar.model.averages.errors import Split, tracker_errors
from caviar.model.contract import Array, Generators, Parameters
from caviar.model.measurements.evalnorm import evalnorm_statistics
from caviar.model.measurements.gradient_noise import gradient_noise
from caviar.model.measurements.losses import (
    Scores,
    batch_statistics,
    evaluate,
    log_probabilities,
)
from caviar.model.measurements.noise_penalty import penalties, self_influence
from caviar.model.measurements.population import Population, population
from caviar.model.measurements.precise_statistics import precise, propagated
from caviar.model.network import Statistics, no_statistics
from caviar.model.records import Evaluation, LogProbabilities, Noise, Record, StatisticsError
from caviar.model.steps.setup import Splits, Training

NETWORK = "network"
"""The `layer` of a record that belongs to the network as a whole."""

Kind = tuple[str, str]
"""`statistics` and `tracker` of an evaluation."""

SPLITS = ("train", "validation", "test")


class Moment(NamedTuple):
    """What training has come to: trained parameters, references and the bank.

    `split` takes the trackers' errors apart where a shadow is kept.
    """

    parameters: Parameters
    references: Parameters
    bank: BankState
    split: Split | None

    @property
    def whole(self) -> Parameters:
        """What a forward pass takes."""
        return self.parameters | self.references


def measure(
    training: Training, splits: Splits, step: int, at: Moment, generators: Generators
) -> Iterator[Record]:
    """What is due after `step`: losses and tracker errors, at the probed steps all the rest.

    A network without batch norm has no statistics to choose: its one evaluation a split is
    called `population`.
    """
    probed = step in training.probes.probe_steps
    exact = population(
        training.network,
        at.parameters,
        splits.train,
        training.probes.sizes if probed and training.network.norm_layers else (),
        generators,
    )
    known = frozen(exact.moments) if exact.moments else no_statistics
    if exact.moments:
        yield from _with_batch_norm(training, splits, step, at, exact, generators, probed)
    else:
        kinds = {("population", ""): known}
        yield from _evaluations(training, splits, SPLITS, step, at.parameters, kinds)
    if step == training.steps and training.probes.log_probabilities:
        yield _log_probabilities(training, splits, step, at.parameters, known)


def _with_batch_norm(
    training: Training,
    splits: Splits,
    step: int,
    at: Moment,
    exact: Population,
    generators: Generators,
    probed: bool,
) -> Iterator[Record]:
    kinds = {("population", ""): frozen(exact.moments)}
    if not probed:
        yield from _evaluations(training, splits, SPLITS, step, at.parameters, kinds, batch=True)
        yield from _errors(training, step, at, exact)
        return
    seen = propagated(training, at.whole, splits.train, generators)
    m = training.norm_batch_size
    every = kinds | {
        ("precise", ""): precise(seen),
        ("evalnorm", ""): evalnorm_statistics(exact.moments, m),
    }
    running = {
        ("running", name): statistics
        for name, statistics in training.running.statistics(at.bank).items()
    }
    yield from _evaluations(training, splits, ("train",), step, at.parameters, every, batch=True)
    for split in ("validation", "test"):
        yield from _evaluations(
            training, splits, (split,), step, at.parameters, every | running, batch=True
        )
    yield from _errors(training, step, at, exact)
    yield from _layer_noise(step, exact)
    yield from _network_noise(training, splits, step, at, exact, generators)


def _evaluations(
    training: Training,
    splits: Splits,
    names: tuple[str, ...],
    step: int,
    parameters: Parameters,
    kinds: dict[Kind, Statistics],
    *,
    batch: bool = False,
) -> Iterator[Evaluation]:
    """Losses of the named splits; with `batch`, also under batch statistics where they fit."""
    size = training.norm_batch_size
    for split in names:
        examples = getattr(splits, split)
        grouped = batch and len(examples) >= size
        own = {("batch", ""): batch_statistics(size)} if grouped else {}
        scores = evaluate(
            training.network,
            parameters,
            examples,
            {" ".join(kind): statistics for kind, statistics in (kinds | own).items()},
            group=size if grouped else 1,
        )
        for key, score in scores.items():
            yield _evaluation(step, split, key, size, score, len(examples))


def _evaluation(
    step: int, split: str, key: str, size: int, score: Scores, examples: int
) -> Evaluation:
    kind, tracker = key.split(" ")
    return Evaluation(step, split, kind, tracker, size, score.loss, score.accuracy, examples)


def _errors(
    training: Training, step: int, at: Moment, exact: Population
) -> Iterator[StatisticsError]:
    running = training.running.read(at.bank.averages)
    errors = tracker_errors(running, exact.moments, training.epsilon, at.split)
    for layer, error in errors.items():
        for t, tracker in enumerate(training.running.trackers):
            yield StatisticsError(step, layer, tracker.name, *(part[t] for part in error))


def _layer_noise(step: int, exact: Population) -> Iterator[Noise]:
    for layer, sizes in exact.spread.items():
        for size, spread in sizes.items():
            values = spread._asdict()
            batches = values.pop("batches")
            yield Noise.of(step, layer, size, batches, values)


def _network_noise(
    training: Training,
    splits: Splits,
    step: int,
    at: Moment,
    exact: Population,
    generators: Generators,
) -> Iterator[Noise]:
    examples, own = splits.train, training.norm_batch_size
    count = training.probes.examples
    rows = np.stack([g.permutation(len(examples))[:count] for g in generators])
    problem = (training.network, at.parameters, examples, exact.moments)
    sizes = tuple(m for m in training.probes.sizes if m <= count)
    predicted = self_influence(*problem, rows) * len(examples) / (len(examples) - 1)
    of_own: dict[str, Array] = {}
    if training.probes.gradient_batches:
        gradient = gradient_noise(training, at.whole, examples, generators)
        of_own = {"partition_variance": gradient.partition, "gradient_variance": gradient.total}
    for size, penalty in penalties(*problem, sizes, rows).items():
        values: dict[str, Array] = {
            "noise_penalty": penalty.inside,
            "external_penalty": penalty.external,
            "self_influence": penalty.inside - penalty.external,
            "predicted_self_influence": predicted / size,
        }
        more = of_own if size == own else {}
        yield Noise.of(step, NETWORK, size, -(-count // size), values | more)
    if of_own and own not in sizes:
        yield Noise.of(step, NETWORK, own, 0, of_own)


def _log_probabilities(
    training: Training, splits: Splits, step: int, parameters: Parameters, known: Statistics
) -> LogProbabilities:
    test = splits.test
    found = log_probabilities(training.network, parameters, test, known)
    labels = test.labels[test.index]
    return LogProbabilities(step, "population", test.index, labels, found)

"""All records of one moment of training, taken at the same frozen weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from caviar.model.averages.bank import Propagated, RunningStatistics, frozen
from caviar.model.averages.errors import Split, tracker_errors
from caviar.model.contract import Array, Generators, Moments
from caviar.model.measurements.evalnorm import evalnorm_moments, evalnorm_statistics
from caviar.model.measurements.gradient_noise import (
    Gradients,
    gradient_noise,
    gradients_of,
)
from caviar.model.measurements.losses import (
    AtWeights,
    Scores,
    batch_statistics,
    log_probabilities,
)
from caviar.model.measurements.noise_penalty import Frozen, predicted_self_influence
from caviar.model.measurements.population import Population, population
from caviar.model.measurements.precise_statistics import precise, propagated
from caviar.model.measurements.self_influence import averaged_penalties
from caviar.model.measurements.sorted_batches import sorted_scores
from caviar.model.network import Statistics, no_statistics
from caviar.model.records import Evaluation, LogProbabilities, Noise, Record, StatisticsError
from caviar.model.steps.examples import Examples
from caviar.model.steps.random_streams import streams_at
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.state import TrainingState

NETWORK = "network"
"""The `layer` of a record that belongs to the network as a whole."""

OWN = "own"
"""The `tracker` of averages that the norm itself carries."""

Kind = tuple[str, str]
"""`statistics` and `tracker` of an evaluation."""

SPLITS = ("train", "validation", "test")


class Passes(NamedTuple):
    """Passes at frozen weights: gradients of training, and the statistics of one random epoch;
    over the training split, population statistics and those of EvalNorm; evaluations."""

    gradients: Gradients
    propagated: Callable[[Generators], Propagated]
    population: Callable[[tuple[int, ...], Generators], Population]
    evalnorm: Callable[[int], dict[str, Moments]]
    weights: AtWeights


def passes_of(training: Training, examples: Examples, state: TrainingState) -> Passes:
    """Those of the network's own lines."""
    given = training.network, state.parameters
    return Passes(
        gradients_of(training, state.forward, examples),
        partial(propagated, training, state.forward, examples),
        partial(population, *given, examples),
        partial(evalnorm_moments, *given, examples),
        AtWeights(*given),
    )


class Moment(NamedTuple):
    """A training between two steps: the splits of its data, exact statistics, and passes."""

    training: Training
    splits: Splits
    state: TrainingState
    exact: Population
    passes: Passes

    @property
    def probed(self) -> bool:
        """Whether everything is measured."""
        return self.state.step in self.training.probes.probe_steps

    @property
    def known(self) -> Statistics:
        """Population statistics; without batch norm, ones that must not be asked for."""
        return frozen(self.exact.moments) if self.exact.moments else no_statistics


def measure(
    training: Training,
    splits: Splits,
    state: TrainingState,
    generators: Generators,
    passes: Passes | None = None,
) -> Iterator[Record]:
    """What is due after a step: losses and tracker errors, and at probed steps everything else.

    A network without batch norm has no statistics to choose: its one evaluation per split is
    called `population`. Without `passes`, those of the network's own lines are made.
    """
    passes = passes or passes_of(training, splits.train, state)
    probed = state.step in training.probes.probe_steps
    sizes = training.probes.sizes if probed and training.network.norm_layers else ()
    exact = passes.population(sizes, generators)
    moment = Moment(training, splits, state, exact, passes)
    if exact.moments:
        yield from _with_batch_norm(moment, generators)
    else:
        yield from _evaluations(moment, SPLITS, {("population", ""): moment.known})
    if state.step == training.steps and training.probes.log_probabilities:
        yield _log_probabilities(moment)


def _with_batch_norm(moment: Moment, generators: Generators) -> Iterator[Record]:
    kinds: dict[Kind, Statistics] = {("population", ""): moment.known}
    if not moment.probed:
        yield from _evaluations(moment, SPLITS, kinds, batch=True)
        yield from _errors(moment)
        return
    training, state = moment.training, moment.state
    epoch_statistics = moment.passes.propagated(generators)
    every = kinds | {
        ("precise", ""): precise(epoch_statistics),
        ("evalnorm", ""): _evalnorm(moment),
    }
    running = {
        ("running", name): statistics
        for name, statistics in training.running.statistics(state.bank).items()
    }
    if carried := training.network.own_averages(state.references):
        running["running", OWN] = frozen(carried)
    yield from _evaluations(moment, ("train",), every, batch=True)
    yield from _evaluations(moment, ("validation", "test"), every | running, batch=True)
    yield from _errors(moment)
    yield from _layer_noise(moment)
    yield from _network_noise(moment, generators)


def _evalnorm(moment: Moment) -> Statistics:
    size = moment.training.norm_batch_size
    return evalnorm_statistics(moment.passes.evalnorm(size), size)


def _evaluations(
    moment: Moment,
    names: tuple[str, ...],
    kinds: dict[Kind, Statistics],
    *,
    batch: bool = False,
) -> Iterator[Evaluation]:
    """Losses of the named splits; with `batch`, also under batch statistics where they fit."""
    training, splits, state, _, passes = moment
    size = training.norm_batch_size
    for split in names:
        examples = getattr(splits, split)
        grouped = batch and len(examples) >= size
        of_batch = {("batch", ""): batch_statistics(size)} if grouped else {}
        scores = passes.weights.evaluate(
            examples,
            {" ".join(kind): statistics for kind, statistics in (kinds | of_batch).items()},
            group=size if grouped else 1,
        )
        for key, score in scores.items():
            kind, tracker = key.split(" ")
            count = (len(examples), examples.mislabelled)
            by_class = Scores(*np.full((2, examples.replicas), np.nan))
            if (split, kind) == ("test", "batch") and moment.probed:
                by_class = sorted_scores(passes.weights, examples, size)
            yield Evaluation(state.step, split, kind, tracker, size, *score, *count, *by_class)


def _errors(moment: Moment) -> Iterator[StatisticsError]:
    training, _, state, exact, _ = moment
    running = training.running.read(state.bank.averages)
    split = _split(training.running, state)
    errors = tracker_errors(running, exact.moments, training.epsilon, split)
    for layer, error in errors.items():
        for t, tracker in enumerate(training.running.trackers):
            yield StatisticsError(state.step, layer, tracker.name, *(part[t] for part in error))


def _split(running: RunningStatistics, state: TrainingState) -> Split | None:
    """What splits the trackers' errors into parts, if a shadow is kept."""
    if state.expected is None:
        return None
    return Split(running.read(state.shadow.averages), running.read(running.expect(state.expected)))


def _layer_noise(moment: Moment) -> Iterator[Noise]:
    for layer, sizes in moment.exact.spread.items():
        for size, spread in sizes.items():
            values = spread._asdict()
            batches = values.pop("batches")
            yield Noise.of(moment.state.step, layer, size, batches, values)


def _network_noise(moment: Moment, generators: Generators) -> Iterator[Noise]:
    training, splits, state, exact, passes = moment
    examples, trained_size = splits.train, training.norm_batch_size
    count = training.probes.examples
    rows = np.stack([g.permutation(len(examples))[:count] for g in generators])
    network, parameters = training.network, state.parameters
    problem = Frozen(network, parameters, examples, exact.moments, passes.weights)
    sizes = tuple(m for m in training.probes.sizes if m <= count)
    predicted = predicted_self_influence(problem, rows) * len(examples) / (len(examples) - 1)
    of_gradient: dict[str, Array] = {}
    if training.probes.gradient_batches:
        gradient = gradient_noise(training, passes.gradients, examples, generators)
        of_gradient = {
            "partition_variance": gradient.partition,
            "gradient_variance": gradient.total,
        }
    orders = streams_at(training.seeds, "penalty", state.step)
    most = training.probes.penalty_partitions
    for size, penalty in averaged_penalties(problem, sizes, rows, most, orders).items():
        values: dict[str, Array] = {
            "noise_penalty": penalty.inside,
            "external_penalty": penalty.external,
            "self_influence": penalty.inside - penalty.external,
            "predicted_self_influence": predicted / size,
            "self_influence_error": penalty.error,
            "penalty_partitions": penalty.partitions,
        }
        more = of_gradient if size == trained_size else {}
        yield Noise.of(state.step, NETWORK, size, -(-count // size), values | more)
    if of_gradient and trained_size not in sizes:
        yield Noise.of(state.step, NETWORK, trained_size, 0, of_gradient)


def _log_probabilities(moment: Moment) -> LogProbabilities:
    training, splits, state, *_ = moment
    test = splits.test
    values = log_probabilities(training.network, state.parameters, test, moment.known)
    return LogProbabilities(state.step, "population", test.index, test.labels, values)

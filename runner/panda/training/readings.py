"""What a screen shows and a report compares: few numbers, at steps that no clock decides.

They draw from streams that begin anew at each step, so that reading changes no bit of a training.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.model.averages.bank import frozen
from caviar.model.averages.errors import tracker_errors
from caviar.model.contract import Array
from caviar.model.measurements.batch_noise import PARTITIONS
from caviar.model.measurements.losses import Scores, batch_statistics, evaluate
from caviar.model.measurements.population import Population, population
from caviar.model.network import Statistics, no_statistics
from caviar.model.steps.random_streams import streams_at
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.state import TrainingState
from caviar.runner.panda.tree import Tree
from caviar.runner.trial.measurement_schedule import EVALUATE, NOISE, POPULATION, spread

FEWEST, MOST = 40, 100
"""How many readings are spread over a training."""
SPLITS = ("train", "validation", "test")
PREFERRED = "unbiased"
"""PyTorch's rule: its average under `decay` is the one that is read."""


class LayerReading(NamedTuple):
    """Of one norm layer; arrays are `(replicas,)`. See `READING_LAYERS`."""

    layer: str
    mean_error: Array
    variance_error: Array
    batch_noise: Array
    gamma_norm: Array
    weight_norm: Array


class Reading(NamedTuple):
    """One moment of one lineage: scores by split and statistics, arrays `(replicas,)`."""

    lineage: int
    trial_id: str
    step: int
    seeds: tuple[int, ...]
    tracker: str
    scores: dict[tuple[str, str], Scores]
    train_mode_loss: Array
    layers: tuple[LayerReading, ...]


def reading_moments(training: Training, splits: Splits) -> int:
    """How many readings are spread over a training: as many as cost about what training does, but
    not fewer than `FEWEST` and not more than `MOST`. No clock decides it."""
    train, held_out = len(splits.train), len(splits.validation) + len(splits.test)
    noise = PARTITIONS * NOISE
    once = (POPULATION + noise + 3 * EVALUATE) * train + 2 * EVALUATE * held_out
    whole = training.steps * (training.batch_size + training.company)
    return min(training.steps, max(FEWEST, min(MOST, int(whole / once))))


def steps_of(tree: Tree, number: int, moments: int, per_epoch: int) -> frozenset[int]:
    """When a lineage is read: evenly, and wherever any lineage begins and an epoch later, so that
    a lineage and its parent are read after the same steps."""
    lineage = tree.lineages[number]
    steps = lineage.config.steps
    births = [other.born for other in tree.lineages[1:]]
    marked = {step for born in births for step in (born, min(steps, born + per_epoch))}
    return frozenset(step for step in spread(steps, moments) | marked if step > lineage.born)


@np.errstate(all="ignore")
def read(
    training: Training, splits: Splits, state: TrainingState, lineage: int, trial_id: str
) -> Reading:
    """Read a training between two steps."""
    network, size = training.network, training.norm_batch_size
    sizes = (size,) if network.norm_layers and size <= len(splits.train) else ()
    probe = streams_at(training.seeds, "probe", state.step)
    exact = population(network, state.parameters, splits.train, sizes, probe)
    tracker = _tracker(training)
    kinds = {"population": frozen(exact.moments) if exact.moments else no_statistics}
    if tracker is not None and exact.moments:
        kinds["running"] = training.running.statistics(state.bank)[tracker]
    scores: dict[tuple[str, str], Scores] = {}
    for split in SPLITS:
        more = _of_batches(training, len(splits.train)) if split == "train" else {}
        group = size if more else 1
        of_split = evaluate(
            network, state.parameters, getattr(splits, split), kinds | more, group=group
        )
        scores |= {(split, kind): of_kind for kind, of_kind in of_split.items()}
    in_batches = scores.pop(("train", "batch"), scores["train", "population"])
    return Reading(
        lineage,
        trial_id,
        state.step,
        training.seeds,
        tracker or "",
        scores,
        in_batches.loss,
        _layers(training, state, exact, tracker),
    )


def _of_batches(training: Training, examples: int) -> dict[str, Statistics]:
    """Statistics of batches of the size trained with, where there are such batches."""
    size = training.norm_batch_size
    if not training.network.norm_layers or size > examples:
        return {}
    return {"batch": batch_statistics(size)}


def _tracker(training: Training) -> str | None:
    """The first average of PyTorch's rule, which has the trial's `decay`; else the first one."""
    trackers = training.running.trackers
    ours = [tracker for tracker in trackers if tracker.convention.name == PREFERRED]
    return next((tracker.name for tracker in (*ours, *trackers)), None)


def _layers(
    training: Training, state: TrainingState, exact: Population, tracker: str | None
) -> tuple[LayerReading, ...]:
    nan = np.full(len(training.seeds), np.nan)
    errors, into = _errors(training, state, exact, tracker), _weights_into(training, state)
    layers = []
    for layer, spread_of in exact.spread.items():
        mean_error, variance_error = errors.get(layer, (nan, nan))
        noise = spread_of.get(training.norm_batch_size)
        gamma = state.parameters[layer].get("gamma")
        layers.append(
            LayerReading(
                layer,
                mean_error,
                variance_error,
                nan if noise is None else noise.mean_variance,
                nan if gamma is None else _norm(gamma),
                into.get(layer, nan),
            )
        )
    return tuple(layers)


def _errors(
    training: Training, state: TrainingState, exact: Population, tracker: str | None
) -> dict[str, tuple[Array, Array]]:
    """The errors of mean and variance of the average that is read, by layer."""
    names = [one.name for one in training.running.trackers]
    if tracker not in names or not exact.moments:
        return {}
    running, place = training.running.read(state.bank.averages), names.index(tracker)
    errors = tracker_errors(running, exact.moments, training.epsilon, None)
    return {
        layer: (error.mean_error[place], error.variance_error[place])
        for layer, error in errors.items()
    }


def _weights_into(training: Training, state: TrainingState) -> dict[str, Array]:
    """The norm of the last weights before each norm layer."""
    norms: dict[str, Array] = {}
    last: Array | None = None
    for name, _ in training.network.layers:
        weight = state.parameters.get(name, {}).get("weight")
        if weight is not None:
            last = _norm(weight)
        if name in training.network.norm_layers and last is not None:
            norms[name] = last
    return norms


def _norm(array: Array) -> Array:
    """`(replicas,)` of an array `(replicas, ...)`."""
    squares = np.square(array, dtype=np.float64)
    return np.asarray(np.sqrt(squares.reshape(len(squares), -1).sum(axis=1)))

"""How many rows a trial will write: as many as its schedule says, whatever its losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from caviar.model.steps.setup import Training
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.store.schemas import ROW_TABLES
from caviar.runner.study.plan import Plan
from caviar.runner.trial.build import forward_examples
from caviar.runner.trial.changing.phases import training_after
from caviar.runner.trial.measurement_schedule import Sizes

SPLITS = 3
READERS_OF_TRAIN = 3
"""Population, precise and EvalNorm statistics, under which every split is evaluated."""


class Laid(NamedTuple):
    """A trial with what it will train and the sizes of its splits."""

    config: TrialConfig
    training: Training
    sizes: Sizes


def laid(config: TrialConfig, data: Data) -> Laid:
    """A trial, built as a worker will build it."""
    splits = split_sizes(config.dataset, len(data.labels), data.given_test)
    sizes = Sizes(*splits, forward_examples(config, splits[0]))
    return Laid(config, training_after(config, data, 0), sizes)


def rows_of_trial(trial: Laid) -> dict[str, int]:
    """Rows by table of one attempt at a trial from its first step, also of one that diverges."""
    _, training, sizes = trial
    probes, seeds = training.probes, len(training.seeds)
    moments, probed = len(probes.evaluation_steps), len(probes.probe_steps)
    layers, trackers = len(training.network.norm_layers), len(training.running.trackers)
    read = trackers + _carries_averages(training)
    each_seed = dict.fromkeys(ROW_TABLES, 0)
    each_seed["curves"] = len(training.curve_steps)
    each_seed["evaluations"] = SPLITS * moments
    if layers:
        grouped = sum(n >= training.norm_batch_size for n in sizes[:SPLITS])
        further = SPLITS * (READERS_OF_TRAIN - 1) + (SPLITS - 1) * read
        each_seed["evaluations"] += moments * grouped + probed * further
        each_seed["statistics"] = moments * layers * trackers
        each_seed["noise"] = probed * (layers * len(probes.sizes) + _of_network(training))
    each_seed["predictions"] = sizes.test * probes.log_probabilities
    return {table: seeds * rows for table, rows in each_seed.items()}


def _carries_averages(training: Training) -> bool:
    """Whether norms have averages of their own, under which the held-out splits are evaluated."""
    any_gamma = np.ones((1, 1, 1))
    norms = training.network.norm_layers.values()
    return any(norm.averages(norm.references(any_gamma)) is not None for norm in norms)


def _of_network(training: Training) -> int:
    """Rows of the layer `network`: one for each size whose penalties are measured, and one for
    the noise of gradients where that has no such row."""
    probes = training.probes
    sizes = [m for m in probes.sizes if m <= probes.examples]
    return len(sizes) + (bool(probes.gradient_batches) and training.norm_batch_size not in sizes)


def rows_of_plan(plan: Plan, of_sample: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Rows of every table once all trials have ended, none of them tried twice.

    `of_sample` holds the rows of the sampled trials, by identity. Exact for a small plan; for a
    large one the sample stands for all.
    """
    counted: Counter[str] = Counter()
    for rows in of_sample.values():
        counted.update(rows)
    share = plan.most / len(plan.sample)
    tables = {table: round(counted[table] * share) for table in ROW_TABLES}
    return {"trials": plan.most, **tables, "outcomes": plan.most}

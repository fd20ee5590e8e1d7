"""Measurements whose passes of training are made by kernels; the lines of `at_step.py`."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from caviar.model.averages.bank import Propagated
from caviar.model.contract import Generators, NetworkParameters
from caviar.model.kernels.feed import whole_epoch
from caviar.model.kernels.measuring.at_weights import OnKernels, evaluates
from caviar.model.kernels.measuring.predicting import predicting
from caviar.model.kernels.proof import step_of
from caviar.model.kernels.stack import Stack
from caviar.model.measurements.at_step import Passes
from caviar.model.measurements.at_step import passes_of as plain_passes_of
from caviar.model.network import Network
from caviar.model.parameters import each
from caviar.model.records import Record
from caviar.model.steps.examples import Examples
from caviar.model.steps.gradient import Randomness, Rows
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.state import TrainingState
from caviar.model.train import measured as plain_measured


def measured(
    training: Training, splits: Splits, state: TrainingState, probe: Generators
) -> list[Record]:
    """What is due after a step, as records: what `caviar.model.train.measured` gives."""
    faster = replace(training, network=predicting(training.network))
    return plain_measured(
        faster, splits, state, probe, passes_of(training, splits.train, state, faster.network)
    )


def passes_of(
    training: Training, examples: Examples, state: TrainingState, network: Network
) -> Passes:
    """Passes of training on a stack of their own, which is made when the first is asked for; others
    by kernels for networks of batch norms, by `network` for the rest."""

    @functools.cache
    def stack() -> Stack:
        made = Stack(training, examples, state.parameters, every_ghost=True)
        made.references = state.references
        return made

    def gradients(rows: Rows, random: Randomness) -> NetworkParameters:
        arranged = training.arrangement(rows.scored, examples.labels_of(rows.scored))
        taken = np.concatenate([arranged, rows.company], axis=1)
        step_of(stack(), taken, random.noise)
        return each(np.copy, stack().velocities)

    def propagated(generators: Generators) -> Propagated:
        rows = whole_epoch(training, examples, generators)
        return stack().observed(rows, generators)

    if not evaluates(training.network):
        plain = plain_passes_of(replace(training, network=network), examples, state)
        return plain._replace(gradients=gradients, propagated=propagated)
    weights = OnKernels(training.network, state.parameters)
    return Passes(
        gradients,
        propagated,
        functools.partial(weights.population, examples),
        functools.partial(weights.evalnorm, examples),
        weights,
    )

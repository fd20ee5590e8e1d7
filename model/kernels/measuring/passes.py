"""Measurements whose passes of training are made by kernels; the lines of `at_step.py`."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from caviar.model.averages.bank import Propagated
from caviar.model.contract import Generators, NetworkParameters
from caviar.model.kernels.feed import whole_epoch
from caviar.model.kernels.measuring.predicting import predicting
from caviar.model.kernels.proof import gradient_of
from caviar.model.kernels.stack import Stack
from caviar.model.kernels.supported import all_at_once
from caviar.model.measurements.at_step import Passes
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
    # What takes whole steps at once was measured by NumPy's passes from the first run on, and a
    # replay of such a run finds every bit.
    passes = None if all_at_once(training) else passes_of(training, splits.train, state)
    return plain_measured(faster, splits, state, probe, passes)


def passes_of(training: Training, examples: Examples, state: TrainingState) -> Passes:
    """Passes on a stack of their own, which is made when the first is asked for."""

    @functools.cache
    def stack() -> Stack:
        made = Stack(training, examples, state.parameters, every_ghost=True)
        made.references = state.references
        return made

    def gradients(rows: Rows, random: Randomness) -> NetworkParameters:
        arranged = training.arrangement(rows.scored, examples.labels_of(rows.scored))
        taken = np.concatenate([arranged, rows.company], axis=1)
        return each(np.copy, gradient_of(stack(), taken, random.noise).gradients)

    def propagated(generators: Generators) -> Propagated:
        rows = whole_epoch(training, examples, generators)
        return stack().observed(rows, generators)

    return Passes(gradients, propagated)

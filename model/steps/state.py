"""A training between two steps, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import DTypeLike

from caviar.model.averages.bank import BankState, Propagated
from caviar.model.contract import NetworkParameters
from caviar.model.parameters import joined
from caviar.model.steps.optimizers import OptimizerState
from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Training


@dataclass(frozen=True)
class TrainingState:
    """Training after `step`: everything that a step changes but the random streams.

    `references` are what layers carry besides trained parameters; `shadow` is the bank as it
    would be had every step used the statistics expected at its weights; `expected` are those
    expected at the present weights, None where no shadow is kept.
    """

    step: int
    parameters: NetworkParameters
    optimizer: OptimizerState
    references: NetworkParameters
    bank: BankState
    shadow: BankState
    expected: Propagated | None = None

    @property
    def forward(self) -> NetworkParameters:
        """What a forward pass takes: parameters and references."""
        return joined(self.parameters, self.references)


def initial_state(training: Training, features: int, dtype: DTypeLike) -> TrainingState:
    """The state before the first step, on examples with `features` features."""
    parameters, _ = training.network.init(streams(training.seeds, "weights"), features, dtype)
    bank = training.running.init(training.network, parameters)
    optimizer = training.optimizer.init(parameters)
    references = training.network.references(parameters)
    return TrainingState(0, parameters, optimizer, references, bank, bank)

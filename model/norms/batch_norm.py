"""Batch norm with ghost batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import (
    COUPLED,
    STANDARDISED,
    TAPED,
    THROUGH_STATISTICS,
)
from caviar.model.identities.identity import Identities
from caviar.model.norms.kind import NormKind
from caviar.model.norms.standardise import grouped, standardise_backward, standardised


@dataclass(frozen=True)
class BatchNorm:
    """Batch norm (Ioffe & Szegedy 2015) whose statistics come from ghost batches.

    `norm_batch_size` consecutive examples share one mean and one biased variance (Hoffer et
    al. 2017, ghost batch norm); at the batch size itself this is plain batch norm. Gradients
    flow through both statistics.

    >>> caviar.Norm(caviar.BatchNorm(norm_batch_size=8, epsilon=1e-3)).normaliser.epsilon
    0.001
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = TAPED | STANDARDISED | THROUGH_STATISTICS | COUPLED

    def sharing(self, batch: int) -> int:
        return self.norm_batch_size

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        return standardised(grouped(x, self.norm_batch_size), self.epsilon)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return standardise_backward(dz, tape.x_hat, tape.inverse_deviation)


BATCH = NormKind("batch", BatchNorm, lambda s: BatchNorm(s["norm_batch_size"], s["epsilon"]))

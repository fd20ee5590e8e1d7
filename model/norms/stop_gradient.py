"""Batch norm without the gradient through its statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import STANDARDISED, TAPED
from caviar.model.identities.identity import Identities, Identity, few, relative
from caviar.model.identities.site import Site
from caviar.model.norms.kind import Mechanism, NormKind
from caviar.model.norms.standardise import grouped, standardised


def stopped(site: Site) -> Array:
    """The input gradient is the upstream one times the inverse deviation, and nothing else."""
    expected = site.probe * site.inverse_deviation
    return relative(site.probed - expected, np.abs(expected))


@dataclass(frozen=True)
class StopGradientNorm:
    """Batch norm whose backward pass treats the mean and the variance as constants.

    Removes the gradient through the statistics, two of the three terms of Ioffe & Szegedy 2015,
    section 3 (which warns against leaving them out); keeps the forward pass: noise and
    self-influence. Input and output `(replicas, batch, features)`, ghosts of `norm_batch_size`.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = TAPED | STANDARDISED | {"stopped": Identity(stopped, few)}

    def sharing(self, batch: int) -> int:
        return self.norm_batch_size

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        return standardised(grouped(x, self.norm_batch_size), self.epsilon)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return dz * tape.inverse_deviation


STOP_GRADIENT = NormKind(
    "stop-gradient",
    StopGradientNorm,
    lambda s: StopGradientNorm(s["norm_batch_size"], s["epsilon"]),
    mechanism=Mechanism("gradient path", "removed"),
)

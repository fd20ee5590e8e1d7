"""Group norm: statistics over groups of the features of one example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import OVER_FEATURES
from caviar.model.identities.identity import Identities, Identity
from caviar.model.identities.site import Site
from caviar.model.norms.kind import NormKind, Settings, the_batch
from caviar.model.norms.standardise import plain_tape, standardise, standardise_backward


def grouping(site: Site) -> Array:
    """0 where the number of groups is right, else infinity."""
    norm = site.normaliser
    assert isinstance(norm, GroupNorm)
    return np.array(0.0 if site.size * norm.groups == site.dy.shape[2] else np.inf)


@dataclass(frozen=True)
class GroupNorm:
    """Group norm (Wu & He 2018, section 3.1, equation 7): mean and variance of a group of features.

    The features of one example fall into `groups` groups of consecutive ones, each with a mean
    and a biased variance of its own; one group is layer norm. There are no batch statistics: the
    output of an example depends on that example alone. Input and output `(replicas, batch,
    features)`. Raises ValueError where the groups do not divide the features.
    """

    groups: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = False
    identities: ClassVar[Identities] = OVER_FEATURES | {"groups": Identity(grouping)}

    def sharing(self, batch: int) -> int:
        return 1

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        replicas, batch, features = x.shape
        grouped = x.reshape(replicas, batch * self.groups, self.of_a_group(features), 1)
        x_hat, inverse_deviation, _, _ = standardise(grouped, self.epsilon)
        return plain_tape(x_hat, inverse_deviation, None)

    def of_a_group(self, features: int) -> int:
        """The number of features in a group."""
        if features % self.groups:
            raise ValueError(
                f"{features} features cannot be cut into {self.groups} groups: "
                f"{features} / {self.groups} leaves {features % self.groups}"
            )
        return features // self.groups

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return standardise_backward(dz, tape.x_hat, tape.inverse_deviation)


def _refusal(s: Settings) -> str:
    """A group of one feature is always 0 after normalisation, so groups need two or more."""
    groups = s["norm_groups"]
    for units in s["hidden"]:
        if units % groups or units == groups:
            return (
                f"norm_groups {groups} does not cut a hidden layer of {units} into equal groups of "
                "two or more; give a divisor of every width below the width itself"
            )
    return ""


GROUP = NormKind(
    "group",
    GroupNorm,
    lambda s: GroupNorm(s["norm_groups"], s["epsilon"]),
    frozenset({"norm_groups", "epsilon"}),
    forward_examples=the_batch,
    refusal=_refusal,
)

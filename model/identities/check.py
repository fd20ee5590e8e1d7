"""Exact identities of a normalising layer, checked on a training step's own tape.

A correct layer misses them by rounding alone, a wrong one by far more, so the first steps of a
trial can prove that its numbers come from the arm whose name they carry. Every error is
relative to the size of the terms that cancel in it, to which rounding is proportional.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from caviar.model.identities.site import Site


class Check(NamedTuple):
    """The largest error of an identity, and the most that rounding explains."""

    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether rounding explains the error; never for one that is not finite."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Invariants:
    """Which identities hold, over layers, replicas, groups and features.

    `checks` has only the identities that apply. With x_hat, mean and v of groups of m
    that share statistics, epsilon, and q = v / (v + epsilon):
    `moments`: the tape's mean and v are those of consecutive examples, v biased.
    `deviation`: inverse deviation^2 (v + epsilon) = 1.
    `definition`: x_hat is the input less the mean, times the inverse deviation. Here and in
    `deviation` the mean and v are those of the arm: of the other examples, or of the
    ghost that lends them.
    `centre`: the sum of x_hat is 0. `scale`: the mean of x_hat^2 is q.
    `bound`: |x_hat| <= sqrt(m - 1) (Samuelson 1968).
    `shift_null`: a shift of the inputs changes nothing, so the input gradient sums to 0;
    where the Jacobian is symmetric, the backward pass of an all-ones gradient is 0.
    `scale_null`: a stretch changes something through epsilon only: the product of inputs and
    gradient is that of x_hat and its own, times 1 - q; where the Jacobian is symmetric, x_hat
    goes back to (1 - q) x_hat over the deviation.
    `influence`: the gradient of a group's first output by every input, by its closed form.
    `coupling`: the Jacobian's energy off the diagonal is 1 + q^2 - (1 + 2 q + mean x_hat^4) / m
    in units of the inverse deviation, on one ghost: 2 - (3 + kurtosis) / m at epsilon 0.
    `orthogonality`: <w_j, dL/dw_j> is (1 - q) times the sum of x_hat and its gradient, 0 except
    for epsilon (weights in front of a batch norm have no radial gradient).
    `stopped`: the input gradient is the upstream one times the inverse deviation.
    `gains`: the gradients of gamma and beta are the sums of dy x_hat and of dy.
    `output`: gamma x_hat + beta is what reached the next dense layer.
    `shared`: scale and shift of a distorted x_hat are the same for all that share them.
    `limits`: they stay within r_max and d_max.
    `shift`, `stretch`: where running statistics have a share in the step, a shift and a stretch of
    a ghost about its mean change x_hat by that share, and the gradient agrees.
    `groups`: the number of groups of features is right.
    `noise`: the draws follow their law. `only_noise`: the other part is a scale 1 or a shift 0.
    """

    checks: dict[str, Check]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the identities that did not hold."""
        return tuple(name for name, check in self.checks.items() if not check.passed)

    @property
    def passed(self) -> bool:
        return not self.failed


def check_site(site: Site) -> dict[str, Check]:
    """The checks of one layer, by the name of the identity."""
    return {
        name: Check(float(np.max(identity.errors(site))), identity.tolerance(site))
        for name, identity in site.normaliser.identities.items()
    }


def worst(checks: Iterable[dict[str, Check]]) -> Invariants:
    """For each identity, the check with the largest error for its tolerance."""
    kept: dict[str, Check] = {}
    for name, check in (item for one in checks for item in one.items()):
        kept[name] = max(kept.get(name, check), check, key=_excess)
    return Invariants(kept)


def _excess(check: Check) -> float:
    return check.error / check.tolerance if np.isfinite(check.error) else np.inf

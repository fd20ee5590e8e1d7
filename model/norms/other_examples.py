"""Batch norm without self-influence: statistics of as many other examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.identities.batch_norm import GAINS, moments, one_hot
from caviar.model.identities.control_arms import (
    orthogonality,
    scale_null_over,
    shift_null_over,
    terms,
)
from caviar.model.identities.identity import Identities, Identity, few, products, relative
from caviar.model.identities.site import Site
from caviar.model.norms.kind import Mechanism, NormKind, ghosts_of_the_batch
from caviar.model.norms.standardise import (
    batch_moments,
    grouped,
    plain_tape,
    standardise,
    standardise_backward,
)


def lent_deviation(site: Site) -> Array:
    return relative(site.inverse_deviation**2 * (lent(site.variance) + site.epsilon) - 1, 1)


def lent_definition(site: Site) -> Array:
    mean = lent(site.h.mean(axis=2, keepdims=True))
    return relative(site.x_hat - (site.h - mean) * site.inverse_deviation, site.reach)


def lent_influence(site: Site) -> Array:
    first, half = one_hot(site), site.h.shape[1] // 2
    inverse, x_hat = site.inverse_deviation[:, half:], site.x_hat[:, half:]
    z_0 = site.x_hat[:, :, :1]
    # Gradients of the first examples of the borrowing and of the lending group by the lender.
    borrowed, lending = (1 + z * x_hat for z in (z_0[:, :half], z_0[:, half:]))
    lender = first[:, half:] - (borrowed + lending) / site.size
    expected = np.concatenate([first[:, :half] * inverse, lender * inverse], axis=1)
    size = site.inverse_deviation * (1 + np.abs(z_0) * site.reach[:, :, :1])
    return relative(site.input_gradient(first) - expected, size + lent(size))


def lent(values: Array) -> Array:
    """The values of the second half of the groups, for both halves."""
    second = values[:, values.shape[1] // 2 :]
    return np.concatenate([second, second], axis=1)


def lent_orthogonality(site: Site) -> Array:
    mean = terms(site, site.dz).mean(axis=2, keepdims=True)
    borrowers, lenders = np.split(mean, 2, axis=1)
    zeros = np.zeros_like(borrowers)
    return orthogonality(site, np.concatenate([zeros, borrowers + lenders], axis=1))


@dataclass(frozen=True)
class OtherExamplesNorm:
    """Normalises the first half of its ghosts by the statistics of the second half.

    Removes self-influence without changing the sample: the statistics are those of m other,
    independent examples, which normalise themselves as batch norm does; keeps their noise and
    the gradient through them. The others pass through the layers below under the same
    statistics that they lend, so in deeper layers too only the example's own part is removed.
    These are the external statistics (EXT), beside the exclusive ones, of Kosson, Fan & Jaggi
    2024. Input and output `(replicas, batch, features)`: first the ghosts of `norm_batch_size`
    that are normalised, then as many that lend their statistics.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = GAINS | {
        "moments": Identity(moments),
        "deviation": Identity(lent_deviation, few),
        "definition": Identity(lent_definition),
        "shift_null": Identity(shift_null_over((1, 2))),
        "scale_null": Identity(scale_null_over((1, 2))),
        "influence": Identity(lent_influence),
        "orthogonality": Identity(lent_orthogonality, products),
    }

    def sharing(self, batch: int) -> int:
        return self.norm_batch_size

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        ghosts = grouped(x, self.norm_batch_size)
        half, left = divmod(ghosts.shape[1], 2)
        if left:
            raise ValueError(
                f"a batch of {x.shape[1]} is an odd number of ghost batches of "
                f"{self.norm_batch_size}: each needs another to lend its statistics"
            )
        borrowers, others = ghosts[:, :half], ghosts[:, half:]
        x_hat, inverse_deviation, mean, variance = standardise(others, self.epsilon)
        z = np.concatenate([(borrowers - mean) * inverse_deviation, x_hat], axis=1)
        borrowed = batch_moments(borrowers.reshape(len(x), -1, x.shape[2]), self.norm_batch_size)
        moments = Moments(
            np.concatenate([borrowed.mean, mean[:, :, 0]], axis=1),
            np.concatenate([borrowed.variance, variance[:, :, 0]], axis=1),
        )
        divided_by = np.concatenate([inverse_deviation, inverse_deviation], axis=1)
        return plain_tape(z, divided_by, moments)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        half = tape.x_hat.shape[1] // 2
        inverse_deviation = tape.inverse_deviation[:, :half]
        z, x_hat = tape.x_hat[:, :half], tape.x_hat[:, half:]
        through_mean = dz[:, :half].mean(axis=2, keepdims=True)
        through_variance = np.mean(dz[:, :half] * z, axis=2, keepdims=True)
        others = standardise_backward(dz[:, half:], x_hat, inverse_deviation)
        others -= (through_mean + x_hat * through_variance) * inverse_deviation
        return np.concatenate([dz[:, :half] * inverse_deviation, others], axis=1)


def twice(batch_size: int, norm_batch_size: int, train: int) -> int:
    """Twice the batch: every ghost is normalised by another one."""
    return 2 * ghosts_of_the_batch(batch_size, norm_batch_size, train)


OTHER_EXAMPLES = NormKind(
    "other-examples",
    OtherExamplesNorm,
    lambda s: OtherExamplesNorm(s["norm_batch_size"], s["epsilon"]),
    forward_examples=twice,
    mechanism=Mechanism("self-influence", "removed"),
)

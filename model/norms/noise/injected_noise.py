"""Batch norm over the whole batch, with the noise of a small ghost batch injected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import STANDARDISED, TAPED, THROUGH_STATISTICS
from caviar.model.identities.distorted_norms import DISTORTED, by_draw, shift_of
from caviar.model.identities.identity import Identities, Identity, chance, few, relative
from caviar.model.identities.site import Site
from caviar.model.norms.distorted import distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, Mechanism, NormKind, Settings
from caviar.model.norms.standardise import grouped, standardised


class Noise(Protocol):
    """What one ghost batch's statistics do to x_hat: `(x_hat - delta) / s`.

    `shared` consecutive examples share one draw; 1 is one draw per example. `draw` returns
    delta and s, each `(replicas, *shape)` float64, replica r from generator r alone. `shifts` and
    `scales` say whether delta and s vary.
    """

    shifts: ClassVar[bool]
    scales: ClassVar[bool]

    @property
    def shared(self) -> int: ...

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]: ...


@dataclass(frozen=True)
class ShiftNoise:
    """Noise of the mean alone: delta ~ N(0, 1/m), s = 1."""

    shared: int

    shifts: ClassVar[bool] = True
    scales: ClassVar[bool] = False

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]:
        delta = _mean_noise(generators, noise_batch_size, shape)
        return delta, np.ones_like(delta)


@dataclass(frozen=True)
class ScaleNoise:
    """Noise of the deviation alone: delta = 0, s^2 ~ chi^2_{m-1} / m."""

    shared: int

    shifts: ClassVar[bool] = False
    scales: ClassVar[bool] = True

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]:
        s = _deviation_noise(generators, noise_batch_size, shape)
        return np.zeros_like(s), s


@dataclass(frozen=True)
class ShiftAndScaleNoise:
    """Noise of both: delta ~ N(0, 1/m) and s^2 ~ chi^2_{m-1} / m, independent of each other."""

    shared: int

    shifts: ClassVar[bool] = True
    scales: ClassVar[bool] = True

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]:
        delta = _mean_noise(generators, noise_batch_size, shape)
        return delta, _deviation_noise(generators, noise_batch_size, shape)


def _mean_noise(generators: Generators, m: int, shape: tuple[int, int]) -> Array:
    return np.asarray(np.stack([g.standard_normal(shape) for g in generators]) / np.sqrt(m))


def _deviation_noise(generators: Generators, m: int, shape: tuple[int, int]) -> Array:
    if m < 2:
        raise ValueError(f"a ghost batch of {m} has no variance to imitate; use at least 2")
    return np.sqrt(np.stack([g.chisquare(m - 1, shape) for g in generators]) / m)


def follows_its_law(site: Site) -> Array:
    """Nats by which the sums of squared draws miss their chi-squared laws, a Chernoff bound.

    With k degrees of freedom a sum beyond rho k has a chance below
    exp(-k (rho - 1 - log(rho)) / 2). Deviations that are all equal were not drawn.
    """
    norm, (shift, _) = site.normaliser, shift_of(site)
    assert isinstance(norm, NoisyNorm)
    m, law = norm.noise_batch_size, norm.noise
    s = 1 / by_draw(site, site.scale)[:, :, 0]
    delta = -by_draw(site, shift).mean(axis=2) * s
    one_for_all = s.size > 1 and np.ptp(s) == 0
    nats = [
        _nats(np.sum(m * delta**2), delta.size) if law.shifts else 0.0,
        _nats(np.sum(m * s**2), s.size * (m - 1)) if law.scales else 0.0,
        np.inf if law.scales and one_for_all else 0.0,
    ]
    return np.array(nats)


def only_noise(site: Site) -> Array:
    """Errors of the part without noise: its shift should be 0, or its scale 1."""
    norm, (shift, size) = site.normaliser, shift_of(site)
    assert isinstance(norm, NoisyNorm)
    errors = np.zeros(site.h.shape)
    if not norm.noise.shifts:
        errors = relative(shift, size)
    if not norm.noise.scales:
        errors = np.maximum(errors, relative(site.scale - 1, 1))
    return errors


def _nats(total: float, freedom: int) -> float:
    ratio = total / freedom
    with np.errstate(divide="ignore"):
        return float(freedom / 2 * (ratio - 1 - np.log(ratio)))


@dataclass(frozen=True)
class NoisyNorm:
    """Normalises by the whole batch, then blurs x_hat as the mean (shift), the deviation (scale) or
    both of a ghost of m examples would.

    Keeps the noise of ghost statistics at m = `noise_batch_size`; removes self-influence, the
    noise's dependence on the data and between features, and its gradient: delta and s have the
    law of m independent normal examples, one draw per group of `noise.shared` examples and per
    feature (the last group may be short), and are constants to the backward pass. This is the ghost
    noise injection of Kosson, Fan & Jaggi 2024 with the analytic noise of their code. Where the
    batch is the whole training set, this is noise on population statistics. Epsilon is part of
    x_hat, so s multiplies the root of variance plus epsilon. Evaluation has no noise. Input and
    output `(replicas, batch, features)`; the tape's statistics are the whole batch's, one group.
    """

    noise_batch_size: int
    epsilon: float
    noise: Noise

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = (
        TAPED
        | STANDARDISED
        | THROUGH_STATISTICS
        | DISTORTED
        | {"noise": Identity(follows_its_law, chance), "only_noise": Identity(only_noise, few)}
    )

    def sharing(self, batch: int) -> int:
        return batch

    def shared_draw(self, batch: int) -> int:
        """How many examples share one scale and one shift."""
        return min(self.noise.shared, batch)

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        _, batch, features = x.shape
        plain = standardised(grouped(x, batch), self.epsilon)
        drawn = self.drawn(generators, batch, features, x.dtype)
        scale, shift = (
            np.repeat(part, self.noise.shared, axis=1)[:, None, :batch] for part in drawn
        )
        return distort(plain, scale, shift)

    def drawn(
        self, generators: Generators, batch: int, features: int, dtype: DTypeLike
    ) -> tuple[Array, Array]:
        """The scale and the shift of each group with one draw, `(replicas, groups, features)`."""
        shape = -(-batch // self.noise.shared), features
        delta, s = self.noise.draw(generators, self.noise_batch_size, shape)
        return (1 / s).astype(dtype), (-delta / s).astype(dtype)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return distorted_backward(tape, dz)


def the_whole_split(batch_size: int, norm_batch_size: int, train: int) -> int:
    """Injected noise blurs population statistics: the whole training split takes part."""
    return train


def _kind(name: str, noise: Callable[[int], Noise], mechanism: Mechanism | None = None) -> NormKind:
    def make(s: Settings) -> NoisyNorm:
        shared = {"ghost": s["norm_batch_size"], "example": 1}[s["noise_shared"]]
        return NoisyNorm(s["norm_batch_size"], s["epsilon"], noise(shared))

    # Averages watch one group per step, the whole split: there are no ghosts to choose among.
    settings = GHOSTS - {"ghost_update"} | {"noise_shared"}
    return NormKind(
        name,
        NoisyNorm,
        make,
        settings,
        forward_examples=the_whole_split,
        mechanism=mechanism,
        draws=True,
    )


SHIFT_NOISE = _kind("shift-noise", ShiftNoise)
SCALE_NOISE = _kind("scale-noise", ScaleNoise)
SHIFT_AND_SCALE_NOISE = _kind(
    "shift-and-scale-noise", ShiftAndScaleNoise, Mechanism("injected noise", "alone")
)

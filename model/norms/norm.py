"""The one normalising layer, and what its kinds have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Moments, MomentsOf, NormTape, Parameters
from caviar.model.identities.identity import Identities
from caviar.model.norms.standardise import grouped


class Normaliser(Protocol):
    """One way to normalise, as settings only.

    `forward` normalises `(replicas, batch, features)` in training; `backward` maps the gradient
    with respect to the tape's `z`, in its groups, to that with respect to the input. `parameters`
    are the layer's, with what a `Carrying` normaliser carries. `uses_batch_statistics`: training
    normalises by statistics of the batch, which running averages watch, and evaluation by
    population statistics; without them evaluation is the training pass. `sharing` is the number
    of examples of a batch that share one mean and one variance. `identities`, by name, hold for
    its tape and gradients.
    """

    identities: ClassVar[Identities]
    uses_batch_statistics: ClassVar[bool]

    @property
    def epsilon(self) -> float: ...

    def sharing(self, batch: int) -> int: ...

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape: ...

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array: ...


@runtime_checkable
class Carrying(Protocol):
    """A normaliser that carries state from step to step, which no gradient trains.

    `references` is that state before the first step, for replicas and features as those of
    `gamma`, and `follow` the state after a step whose forward pass returned `tape`. The state
    is passed in among the parameters, and checkpoints hold it.
    """

    def references(self, gamma: Array) -> Parameters: ...

    def follow(self, references: Parameters, tape: NormTape) -> Parameters: ...


@runtime_checkable
class Averaging(Protocol):
    """A normaliser that carries averages by which its authors evaluate.

    `averages` reads them, `(replicas, 1, features)`, from what the normaliser carries.
    """

    def averages(self, references: Parameters) -> Moments: ...


@dataclass(frozen=True)
class Norm:
    """`gamma z + beta`, where z is the normaliser's output.

    gamma starts at 1 and beta at 0, both `(replicas, 1, features)`. Evaluation normalises by the
    statistics that it is given (mean and variance for each group of consecutive examples), or as
    in training if the normaliser uses no statistics of the batch.

    >>> norm = caviar.Norm(caviar.BatchNorm(8))
    >>> generators = [np.random.default_rng(seed) for seed in (0, 1)]
    >>> parameters, features = norm.init(generators, 5, np.float64)
    >>> x = np.random.default_rng(2).normal(size=(2, 32, 5))
    >>> y, tape = norm.forward(parameters, x, generators)
    >>> y.shape, bool(np.abs(y.reshape(2, 4, 8, 5).mean(axis=2)).max() < 1e-12)
    ((2, 32, 5), True)
    """

    normaliser: Normaliser

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        shape = (len(generators), 1, features)
        return {"gamma": np.ones(shape, dtype), "beta": np.zeros(shape, dtype)}, features

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        tape = self.normaliser.forward(parameters, x, generators)
        y: Array = tape.z.reshape(x.shape) * parameters["gamma"]
        y += parameters["beta"]
        return y, tape

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        gradients = {
            "gamma": np.sum(dy * tape.z.reshape(dy.shape), axis=1, keepdims=True),
            "beta": dy.sum(axis=1, keepdims=True),
        }
        dz = (dy * parameters["gamma"]).reshape(tape.z.shape)
        return self.normaliser.backward(parameters, tape, dz).reshape(dy.shape), gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        if not self.normaliser.uses_batch_statistics:
            return self.forward(parameters, x, ())[0]
        mean, variance = moments_of(x)
        deviation = np.sqrt(variance + x.dtype.type(self.normaliser.epsilon))
        y: Array = grouped(x, x.shape[1] // mean.shape[1]) - mean[:, :, None]
        y *= (parameters["gamma"] / deviation)[:, :, None]
        y += parameters["beta"][:, None]
        return y.reshape(x.shape)

    def references(self, gamma: Array) -> Parameters:
        """What the normaliser carries before the first step; nothing for most."""
        kept = self.normaliser
        return kept.references(gamma) if isinstance(kept, Carrying) else {}

    def follow(self, references: Parameters, tape: NormTape) -> Parameters:
        """What it carries after a step whose forward pass returned `tape`."""
        kept = self.normaliser
        return kept.follow(references, tape) if isinstance(kept, Carrying) else {}

    def averages(self, references: Parameters) -> Moments | None:
        """The averages among what it carries, by which its authors evaluate; None for most."""
        kept = self.normaliser
        return kept.averages(references) if isinstance(kept, Averaging) else None

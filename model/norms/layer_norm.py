"""Layer norm: the control arm without batch statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import OVER_FEATURES
from caviar.model.identities.identity import Identities
from caviar.model.norms.kind import NormKind, the_batch
from caviar.model.norms.standardise import plain_tape, standardise, standardise_backward


@dataclass(frozen=True)
class LayerNorm:
    """Layer norm (Ba, Kiros & Hinton 2016): statistics over the features of one example.

    The control arm without batch statistics: an example's output depends on that example alone.

    >>> norm = caviar.Norm(caviar.LayerNorm())
    >>> x = np.random.default_rng(0).normal(size=(1, 2, 64))
    >>> parameters, _ = norm.init([np.random.default_rng(0)], 64, np.float64)
    >>> y, _ = norm.forward(parameters, x, ())
    >>> bool(np.abs(y.mean(axis=-1)).max() < 1e-12)
    True
    """

    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = False
    identities: ClassVar[Identities] = OVER_FEATURES

    def sharing(self, batch: int) -> int:
        return 1

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        x_hat, inverse_deviation, _, _ = standardise(x[..., None], self.epsilon)
        return plain_tape(x_hat, inverse_deviation, None)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return standardise_backward(dz, tape.x_hat, tape.inverse_deviation)


LAYER = NormKind(
    "layer",
    LayerNorm,
    lambda s: LayerNorm(s["epsilon"]),
    frozenset({"epsilon"}),
    forward_examples=the_batch,
)

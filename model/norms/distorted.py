"""What norms share whose x_hat goes through a scale and a shift that carry no gradient."""

from __future__ import annotations

from typing import NamedTuple

from caviar.model.contract import Array, Moments, Parameters
from caviar.model.norms.standardise import NormTape, affine_backward, standardise_backward


class DistortedTape(NamedTuple):
    """Tape of a norm whose x_hat went through `scale * x_hat + shift`, both constants."""

    plain: NormTape
    scale: Array
    distorted: Array

    @property
    def moments(self) -> Moments:
        """The plain ghost statistics that running averages watch."""
        return self.plain.moments


def distort(plain: NormTape, scale: Array, shift: Array) -> DistortedTape:
    """`scale * x_hat + shift`; both broadcast to `(replicas, ghosts, size, features)`."""
    return DistortedTape(plain, scale, plain.x_hat * scale + shift)


def distorted_backward(
    parameters: Parameters, tape: DistortedTape, dy: Array
) -> tuple[Array, Parameters]:
    """Gradients through x_hat and its statistics, with scale and shift as constants."""
    dz, gradients = affine_backward(parameters, tape.distorted, dy)
    dz *= tape.scale
    dx = standardise_backward(dz, tape.plain.x_hat, tape.plain.inverse_deviation)
    return dx.reshape(dy.shape), gradients

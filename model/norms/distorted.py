"""What the norms share that put x_hat through a scale and a shift without a gradient."""

from __future__ import annotations

from caviar.model.contract import Array, NormTape
from caviar.model.norms.standardise import standardise_backward


def distort(plain: NormTape, scale: Array, shift: Array) -> NormTape:
    """`scale * x_hat + shift`; both broadcast to `(replicas, ghosts, size, features)`."""
    return plain._replace(z=plain.x_hat * scale + shift, scale=scale)


def distorted_backward(tape: NormTape, dz: Array) -> Array:
    """Gradient through x_hat and its statistics, with scale and shift as constants."""
    return standardise_backward(dz * tape.scale, tape.x_hat, tape.inverse_deviation)

"""Identities of the arms that put x_hat through `scale x_hat + shift`: noise and renormalisation.

As in `identities.batch_norm`, each function gives the errors of one identity, relative to the
terms that cancel in it.
"""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.batch_norm import relative
from caviar.model.identities.site import Place
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.injected_noise import NoisyNorm, ScaleNoise, ShiftAndScaleNoise, ShiftNoise

SHIFTED = ShiftNoise | ShiftAndScaleNoise
SCALED = ScaleNoise | ShiftAndScaleNoise


def shared(at: Place) -> Array:
    """Errors of scale and shift as one number for all that share them."""
    scale, shift, size = (_by_draw(at, part) for part in (at.scale, *_shift(at)))
    uneven = relative(shift - shift[:, :, :1], size + size[:, :, :1])
    return np.maximum(relative(scale - scale[:, :, :1], scale), uneven)


def limits(at: Place) -> Array:
    layer, (shift, size) = at.layer, _shift(at)
    assert isinstance(layer, BatchRenorm)
    above = np.maximum(at.scale / layer.r_max, 1 / (layer.r_max * at.scale)) - 1
    beyond = relative(np.maximum(np.abs(shift) - layer.d_max, 0), size)
    return np.asarray(np.maximum(above, beyond))


def noise(at: Place) -> Array:
    """Nats by which the sums of squared draws miss their chi-squared laws, a Chernoff bound.

    With k degrees of freedom a sum beyond rho k has a chance below
    exp(-k (rho - 1 - log(rho)) / 2). Deviations that are all one number were not drawn.
    """
    layer, (shift, _) = at.layer, _shift(at)
    assert isinstance(layer, NoisyNorm)
    m, kind = layer.noise_batch_size, layer.noise
    s = 1 / _by_draw(at, at.scale)[:, :, 0]
    delta = -_by_draw(at, shift).mean(axis=2) * s
    one_for_all = s.size > 1 and np.ptp(s) == 0
    nats = [
        _nats(np.sum(m * delta**2), delta.size) if isinstance(kind, SHIFTED) else 0.0,
        _nats(np.sum(m * s**2), s.size * (m - 1)) if isinstance(kind, SCALED) else 0.0,
        np.inf if isinstance(kind, SCALED) and one_for_all else 0.0,
    ]
    return np.array(nats)


def only_noise(at: Place) -> Array:
    """Errors of the part that the noise leaves alone: the shift is 0, or the scale is 1."""
    layer, (shift, size) = at.layer, _shift(at)
    assert isinstance(layer, NoisyNorm)
    errors = np.zeros(at.h.shape)
    if not isinstance(layer.noise, SHIFTED):
        errors = relative(shift, size)
    if not isinstance(layer.noise, SCALED):
        errors = np.maximum(errors, relative(at.scale - 1, 1))
    return errors


def _shift(at: Place) -> tuple[Array, Array]:
    """The shift behind `z`, and the size of the terms it was rounded with."""
    stretched = at.scale * at.x_hat
    return at.z - stretched, 1 + np.abs(at.z) + np.abs(stretched)


def _by_draw(at: Place, part: Array) -> Array:
    """In groups of the examples that share one scale and shift; a last, short one is left out."""
    layer = at.layer
    assert isinstance(layer, BatchRenorm | NoisyNorm)
    size = layer.noise.shared if isinstance(layer, NoisyNorm) else layer.norm_batch_size
    flat = part.reshape(len(part), -1, part.shape[-1])
    size = min(size, flat.shape[1])
    whole = flat.shape[1] // size * size
    return flat[:, :whole].reshape(len(part), -1, size, part.shape[-1])


def _nats(total: float, freedom: int) -> float:
    ratio = total / freedom
    with np.errstate(divide="ignore"):
        return float(freedom / 2 * (ratio - 1 - np.log(ratio)))

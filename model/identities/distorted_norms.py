"""Identities of the arms that put x_hat through `scale x_hat + shift`: noise and renormalisation.

As in `identities.batch_norm`, each function gives the errors of one identity, relative to the
terms that cancel in it. `shared_draw(batch)` of an arm is how many examples share one scale and
one shift.
"""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.identity import Identity, few, relative
from caviar.model.identities.site import Site


def shared(site: Site) -> Array:
    """Differences of scale and shift between examples that should share them."""
    scale, shift, size = (by_draw(site, part) for part in (site.scale, *shift_of(site)))
    uneven = relative(shift - shift[:, :, :1], size + size[:, :, :1])
    return np.maximum(relative(scale - scale[:, :, :1], scale), uneven)


def shift_of(site: Site) -> tuple[Array, Array]:
    """The shift behind `z`, and the size of the terms it was rounded with."""
    stretched = site.scale * site.x_hat
    return site.z - stretched, 1 + np.abs(site.z) + np.abs(stretched)


def by_draw(site: Site, part: Array) -> Array:
    """`part` in groups that share one scale and shift, without a last, short group."""
    size: int = site.normaliser.shared_draw(site.batch)
    flat = part.reshape(len(part), -1, part.shape[-1])
    whole = flat.shape[1] // size * size
    return flat[:, :whole].reshape(len(part), -1, size, part.shape[-1])


DISTORTED = {"shared": Identity(shared, few)}

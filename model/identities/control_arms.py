"""Identities shared by arms whose Jacobian, unlike batch norm's, is not symmetric.

As in `identities.batch_norm`, each function gives the errors of one identity, relative to the
terms that cancel in it. `sharing` are the axes over which inputs share one set of statistics: the
examples of a group, or the groups as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.batch_norm import along_weights, through_weights
from caviar.model.identities.identity import relative
from caviar.model.identities.site import Site


def shift_null_over(sharing: tuple[int, ...]) -> Callable[[Site], Array]:
    """A shift of all inputs that share statistics changes nothing: the gradient sums to 0."""

    def errors(site: Site) -> Array:
        size = terms(site, site.probe).sum(axis=sharing)
        return relative(site.probed.sum(axis=sharing), size)

    return errors


def scale_null_over(sharing: tuple[int, ...]) -> Callable[[Site], Array]:
    """A stretch changes something through epsilon only."""

    def errors(site: Site) -> Array:
        c = site.h - site.h.mean(axis=sharing, keepdims=True)
        expected = np.sum(site.lost * site.probe * site.x_hat, axis=sharing)
        # Centring costs digits of h, not of c.
        size = np.abs(site.h).max(axis=sharing) * terms(site, site.probe).sum(axis=sharing)
        return relative(np.sum(c * site.probed, axis=sharing) - expected, size)

    return errors


def terms(site: Site, dz: Array) -> Array:
    """Size of the terms that one example's gradient adds to the inputs' gradients."""
    return np.asarray(np.abs(dz) * site.inverse_deviation * (1 + np.abs(site.x_hat) * site.reach))


def orthogonality(site: Site, from_others: Array) -> Array:
    """Errors of <w_j, dL/dw_j>; `from_others` is the size of what other examples' terms add."""
    product = site.lost * site.dz * site.x_hat
    expected = product.reshape(site.dy.shape).sum(axis=1)
    size = through_weights(site, terms(site, site.dz) + from_others)
    return relative(along_weights(site) - expected, size)

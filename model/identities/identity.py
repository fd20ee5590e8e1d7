"""An exact identity: its errors at a site, and the most that rounding explains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.site import Site

NATS_OF_CHANCE = 40.0
"""Noise less probable than e^-40 counts as not drawn from its law."""


def sums(site: Site) -> float:
    """Tolerance for sums over a group."""
    return 4 * (site.size + 8) * site.unit


def few(site: Site) -> float:
    """Tolerance for a handful of operations."""
    return 4 * site.unit


def squares(site: Site) -> float:
    """Tolerance for sums of squares, whose rounding errors can all have one sign."""
    return (8 * math.sqrt(site.size) + site.size) * site.unit


def batch(site: Site) -> float:
    """Tolerance for sums over the batch."""
    return 4 * (site.batch + 8) * site.unit


def products(site: Site) -> float:
    """Tolerance for products with the weights of the layer in front."""
    return 8 * math.sqrt(site.batch + site.inputs.shape[2]) * site.unit


def chance(site: Site) -> float:
    """Tolerance for errors that are nats of improbability."""
    return NATS_OF_CHANCE


class Identity(NamedTuple):
    """Errors of an identity at a site, and the most that rounding explains there.

    Errors are relative to the size of the terms that cancel, to which rounding is proportional.
    """

    errors: Callable[[Site], Array]
    tolerance: Callable[[Site], float] = sums


Identities = Mapping[str, Identity]
"""Identities by the name that a failed trial reports."""


def relative(error: Array, size: Array | float) -> Array:
    """Absolute errors in units of `size`; where `size` is 0, the error itself."""
    return np.asarray(np.abs(error) / np.where(np.equal(size, 0), 1, size))

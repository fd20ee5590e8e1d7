"""What an exact identity is: its errors at a site, and the most that rounding explains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array
from caviar.model.identities.site import Site

NATS_OF_CHANCE = 40.0
"""Noise less probable than e^-40 was not drawn from its law."""


def sums(site: Site) -> float:
    """For sums over a group."""
    return 4 * (site.size + 8) * site.unit


def few(site: Site) -> float:
    """For a handful of operations."""
    return 4 * site.unit


def squares(site: Site) -> float:
    """Squares have one sign: added up, their rounding can go one way."""
    return (8 * math.sqrt(site.size) + site.size) * site.unit


def batch(site: Site) -> float:
    """For sums over the batch."""
    return 4 * (site.batch + 8) * site.unit


def products(site: Site) -> float:
    """For products with the weights in front."""
    return 8 * math.sqrt(site.batch + site.inputs.shape[2]) * site.unit


def chance(site: Site) -> float:
    """For errors that are nats of improbability."""
    return NATS_OF_CHANCE


class Identity(NamedTuple):
    """Errors of an identity at a site, and the most that rounding explains there.

    Errors are relative to the size of the terms that cancel in it, which is what rounding is
    proportional to.
    """

    errors: Callable[[Site], Array]
    tolerance: Callable[[Site], float] = sums


Identities = Mapping[str, Identity]
"""By the name that a failed trial reports."""


def relative(error: Array, size: Array | float) -> Array:
    """Absolute errors in units of `size`: where every term is 0, so is the error."""
    return np.asarray(np.abs(error) / np.where(np.equal(size, 0), 1, size))

"""A claim as one value: what it says, who says it, what decides it, and where it holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from caviar.analysis.scorecard.seedwise import Seedwise

Parts = dict[str, NDArray[Any]]
"""By size or place, the quantity that a claim names, `(seeds,)`."""

Known = Literal["read in the paper", "derived and measured once", "derived", "recalled"]

MARGIN = 0.005
"""Nats within which two losses count as equal; the same as in `advise`."""
ABOVE_ZERO = (0.0, math.inf)
EQUAL = (-MARGIN, MARGIN)


def no_premise(s: Seedwise) -> Parts:
    """A claim that means something wherever it was measured."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published claim, or one derived for this study, in terms of one quantity.

    It holds where `quantity`, in `unit`, lies inside the open interval `region` at every size or
    place that `measure` gives; None says that the run lacks the data. At a place of `premise` the
    claim means something only where the premise is significantly above zero. `known` says how the
    claim is known: numbers of a paper are stated only where they were read there or measured.
    `not_tested` is what a verdict leaves open.
    """

    key: str
    source: str
    text: str
    known: Known
    quantity: str
    region: tuple[float, float]
    unit: str
    measure: Callable[[Seedwise], Parts | None]
    premise: Callable[[Seedwise], Parts] = no_premise
    not_tested: str

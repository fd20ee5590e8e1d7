"""A claim as one value: what it says, who says it, what decides it, and where it is tested."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from caviar.analysis.run.choice import Choice
from caviar.analysis.scorecard.seedwise import Seedwise

Parts = Mapping[str, NDArray[Any] | Choice]
"""By size or place, the quantity that a claim names: `(seeds,)`, or a choice among options."""

Tag = Literal["V", "D"]
"""`V`: the claim was read in the paper, or in its authors' code; `D`: it is this study's own."""

TAGS: dict[Tag, str] = {"V": "[V] read there", "D": "[D] derived here"}

SMALLEST = 0.005
"""Nats below which a difference of losses does not matter here; named before any run."""
ABOVE_ZERO = (0.0, math.inf)
EQUAL = (-SMALLEST, SMALLEST)

THIS_STUDY = "this study"


def no_premise(s: Seedwise) -> Parts:
    """A claim that means something wherever it was measured."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """An ordering that a paper states, or one derived for this study, in terms of one quantity.

    It is claimed that `quantity`, in `unit`, lies inside the open interval `region` at every size
    or place that `measure` gives; None says that the run lacks the data. Around each end of the
    region lies a band of `smallest` on both sides within which a value does not matter; a region
    that is itself a tolerance has 0. The claim means something only where every part of `premise`
    lies significantly above zero. `design` names the study of the scorecard whose run tests
    it. `tag` says how the claim is known, and `quote` where it was read or how it was derived.
    `differs` is what separates the test from the paper's setting, `not_tested` what it leaves open.
    """

    key: str
    source: str
    text: str
    tag: Tag
    quote: str
    quantity: str
    region: tuple[float, float]
    smallest: float
    unit: str
    design: str
    measure: Callable[[Seedwise], Parts | None]
    premise: Callable[[Seedwise], Parts] = no_premise
    differs: str
    not_tested: str

    def declaration(self) -> dict[str, Any]:
        """What a registration fixes before the runs: the words and numbers that decide."""
        names = ("key", "text", "quantity", "region", "smallest", "unit", "design")
        return {name: getattr(self, name) for name in names}

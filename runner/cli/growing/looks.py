"""`--until "test_loss 16 - 256 within 0.005"`: what a run adds seeds for."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from caviar.runner.errors import RequestError, shown

if TYPE_CHECKING:
    from caviar.runner.study.plan import Plan

QUANTITIES = ("test_loss", "test_accuracy", "train_loss", "generalisation_gap")
SIZES = ("norm_batch_size", "batch_size")
FORM = 'the form is "test_loss 16 - 256 within 0.005", where 16 and 256 are sizes of the study'

_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_REQUEST = re.compile(rf"\s*(\w+)\s+(\d+)\s*[-−–]\s*(\d+)\s+within\s+({_NUMBER}|\.\d+)\s*")


class Looks(NamedTuple):
    """Seeds are added until `quantity` at `size` less that at `other` is known to ± `within`, or
    `most` are there."""

    quantity: str
    size: int
    other: int
    within: float
    most: int

    @property
    def name(self) -> str:
        return f"{self.quantity} {self.size} - {self.other}"


MOST = 64
"""The most seeds that a trial gets where `--most` does not say."""


def looks_for(
    text: str | None, most: int | None, plan: Plan, register: Path | None
) -> Looks | None:
    """What `--until` asks of a plan, if it is given; raises RequestError where words or study do
    not fit."""
    if most is not None and most < 1:
        raise RequestError(f"--most must be 1 or more; got {most}")
    if text is None:
        if most is not None:
            raise RequestError("--most limits the seeds that --until adds; add --until")
        return None
    if register is not None:
        raise RequestError(
            "--until decides on seeds by their results, and --register fixes them before they are "
            "run; leave one out"
        )
    looks = read_words(text, MOST if most is None else most)
    must_suit_study(looks, plan)
    return looks


def read_words(text: str, most: int) -> Looks:
    """Read the words of `--until`; raises RequestError with the form that is allowed."""
    match = _REQUEST.fullmatch(text)
    if match is None:
        raise RequestError(f"--until {shown(text)} is not understood; {FORM}")
    quantity, size, other, within = match[1], int(match[2]), int(match[3]), float(match[4])
    if quantity not in QUANTITIES:
        raise RequestError(
            f"--until: there is no quantity {quantity!r}; allowed are {', '.join(QUANTITIES)}"
        )
    if size == other:
        raise RequestError(f"--until: {size} and {other} are one size; {FORM}")
    if not 0 < within < math.inf:
        raise RequestError(f"--until: within must be finite and above 0; {FORM}")
    return Looks(quantity, size, other, within, most)


def must_suit_study(request: Looks, plan: Plan) -> None:
    """Raise RequestError where the study does not compare the two sizes, and them alone by seed, is
    not run whole, or begins with more seeds than there may be."""
    crossed = plan.study.scientific
    axis = next((size for size in SIZES if len(crossed.get(size, ())) > 1), None)
    if axis is None:
        raise RequestError(
            f"--until compares two sizes, and the study crosses none; give {' or '.join(SIZES)} a "
            "list in [scientific]"
        )
    for size in (request.size, request.other):
        if size not in crossed[axis]:
            raise RequestError(
                f"--until: {axis} is never {size}; allowed are {', '.join(map(str, crossed[axis]))}"
            )
    further = [field for field in crossed if field != axis]
    if further:
        raise RequestError(
            f"--until follows one difference, and the study also crosses {', '.join(further)}; "
            f"fix it, as --set {further[0]}=VALUE does"
        )
    if len(plan.study.arms) > 1:
        raise RequestError(
            "--until follows one difference, and the study has several arms; put the fields of one "
            "into [fixed] and leave [arms] out"
        )
    if plan.limit is not None:
        raise RequestError("--until needs every trial of the study; leave --trials out")
    if plan.study.replicas > request.most:
        raise RequestError(
            f"the study begins with {plan.study.replicas} seeds, more than --most {request.most}"
        )

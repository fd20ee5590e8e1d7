"""Learning-rate schedules: the factor on the base rate as a function of training progress."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

Schedule = Callable[[float], float]
"""Maps progress in [0, 1), the share of steps already taken, to a factor in [0, 1]."""

ScheduleName = Literal["constant", "step", "cosine"]


def constant(progress: float) -> float:
    """1 throughout."""
    return 1.0


def step(progress: float) -> float:
    """1, then 0.1 from half way, then 0.01 from three quarters (He et al. 2016, section 4.2)."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def cosine(progress: float) -> float:
    """(1 + cos(pi * progress)) / 2 (Loshchilov & Hutter 2017, equation 5, without restarts)."""
    return (1 + math.cos(math.pi * progress)) / 2


SCHEDULES: dict[ScheduleName, Schedule] = {"constant": constant, "step": step, "cosine": cosine}

"""What a difference of two losses means: whether it is worth a change, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from caviar.analysis.audit.evidence import Difference, Reading, Readings


@dataclass(frozen=True)
class Worth:
    """From which size a difference of losses is worth a change: nats, a share of the loss, and
    how many of its standard errors."""

    nats: float
    share: float
    errors: float = 3.0


CLEAR = Worth(0.005, 0.02, errors=2.0)
"""Where the statistics themselves show a fault, and the loss only whether it costs."""

PLAIN = Worth(0.03, 0.2)
"""Where nothing but their cost does: what training at a constant rate leaves in healthy models is
mostly less."""


def matters(difference: Difference | None, beside: Reading, worth: Worth) -> bool:
    """Whether a loss is higher by more than its error and by enough to act on; a loss that is no
    number is. `beside` is the reading that it is a share of."""
    if difference is None:
        return False
    if isnan(difference.loss):
        return True
    # A loss without an accuracy has a unit that is not known: only its share counts.
    least = worth.nats if beside.accuracy is not None else 0.0
    most = max(worth.errors * difference.error, least, worth.share * abs(beside.loss))
    return difference.loss > most


def minus(first: Difference, second: Difference) -> Difference:
    """The difference of two differences, as if their errors were independent."""
    error = (first.error**2 + second.error**2) ** 0.5
    return Difference(first.loss - second.loss, error)


def negative(difference: Difference) -> Difference:
    """The difference with the other sign."""
    return Difference(-difference.loss, difference.error)


def dearest(*readings: Readings | None) -> Readings | None:
    """The readings on which stored statistics cost the most beyond their error."""
    known = [one for one in readings if one is not None and one.stored_minus_population is not None]
    return max(known, key=_beyond_error, default=None)


def _beyond_error(readings: Readings) -> float:
    difference = readings.stored_minus_population
    assert difference is not None
    if isnan(difference.loss):
        return float("inf")
    return difference.loss - PLAIN.errors * difference.error

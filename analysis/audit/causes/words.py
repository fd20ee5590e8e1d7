"""Numbers of a verdict in words."""

from __future__ import annotations

from math import isnan

from caviar.analysis.audit.facts import Facts
from caviar.analysis.number_format import number

FEW_NAMES = 3


def cost_in_words(facts: Facts) -> str:
    """What the stored statistics cost: `0.295 against 0.231 nats on the test set`."""
    readings = facts.readings
    if readings is None or readings.stored is None:
        return "no loss was given, so what they cost is not known"
    stored, population = readings.stored, readings.population
    if isnan(stored.loss):
        return f"the loss of {facts.of} is not a number with them"
    return (
        f"the loss of {facts.of} is {number(stored.loss)} with them and "
        f"{number(population.loss)} with the population's"
    )


def names_in_words(names: list[str]) -> str:
    """A few names, and how many more."""
    listed = ", ".join(names[:FEW_NAMES])
    more = len(names) - FEW_NAMES
    return f"{listed} and {more} more" if more > 0 else listed


def norms_in_words(names: list[str]) -> str:
    """The same, called norms: a name may be a bare number."""
    return f"norm{'s' * (len(names) > 1)} {names_in_words(names)}"


def percent(share: float) -> str:
    """A share as a percentage of two digits."""
    return f"{100 * share:.2g} %"

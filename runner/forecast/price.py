"""What a run will cost where workers are paid by the hour."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from caviar.runner.errors import RequestError
from caviar.runner.forecast.forecast import Forecast


class Price(NamedTuple):
    """Hours of workers and what they cost: those in which trials train, and those that are paid
    where every worker stays until the last trial ends."""

    per_hour: float
    training_hours: float
    training_cost: float
    paid_hours: float
    paid_cost: float


class Priced(NamedTuple):
    """The same for people and for programs; both empty where nobody named a price."""

    lines: list[str]
    facts: dict[str, Any]


def priced(told: Forecast, per_hour: float | None) -> Priced:
    """What a run costs where a worker costs `per_hour`."""
    if per_hour is None:
        return Priced([], {})
    price = price_of(told, per_hour)
    return Priced([in_words(price, told.workers)], {"price": price and price._asdict()})


def price_of(told: Forecast, per_hour: float) -> Price | None:
    """The price of the trials that would run, where a worker costs `per_hour`; None where their
    time is not known. Raises RequestError for a negative or infinite price."""
    if not 0 <= per_hour < math.inf:
        raise RequestError(f"--price is {per_hour:g}; give what a worker costs per hour, from 0 on")
    seconds = told.seconds if told.left_seconds is None else told.left_seconds
    if seconds is None or told.worker_seconds is None:
        return None
    training, paid = told.worker_seconds / 3600, told.workers * seconds / 3600
    return Price(per_hour, training, training * per_hour, paid, paid * per_hour)


def in_words(price: Price | None, workers: int) -> str:
    """One line for people."""
    if price is None:
        return "price: not known, since the time is not"
    count = "the worker is" if workers == 1 else f"all {workers} workers are"
    return (
        f"price: about {price.training_hours:.3g} worker hours of training, "
        f"{_money(price.training_cost)} at {price.per_hour:g} per hour; where {count} paid until "
        f"the last trial ends, {price.paid_hours:.3g} hours and {_money(price.paid_cost)}. Starts, "
        "idle minutes and the head of a cluster come on top"
    )


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount == 0 or 0.1 <= amount < 1e12 else f"{amount:.2g}"

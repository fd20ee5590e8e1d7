"""Distributions with the right scale, and how a study file writes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from caviar.runner.errors import RequestError, nearest

Value = Any


class Distribution(Protocol):
    """A map from a uniform number in [0, 1) to a value: all that drawing needs to know.

    `distinct` is the number of possible values, None for a continuous distribution.
    """

    @property
    def distinct(self) -> int | None: ...

    def at(self, u: float) -> Value: ...


@dataclass(frozen=True)
class Uniform:
    """Any number from low to high, all equally likely."""

    low: float
    high: float
    distinct: ClassVar[None] = None

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)

    def at(self, u: float) -> float:
        return self.low + u * (self.high - self.low)


@dataclass(frozen=True)
class LogUniform:
    """10^r with r uniform: for learning rates, weight decays and other scales."""

    low: float
    high: float
    distinct: ClassVar[None] = None

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"a log scale cannot pass through zero: low is {self.low:g}")

    def at(self, u: float) -> float:
        low, high = math.log10(self.low), math.log10(self.high)
        return float(min(max(10 ** (low + u * (high - low)), self.low), self.high))


@dataclass(frozen=True)
class OneMinusLogUniform:
    """1 - 10^r with r uniform: for momenta and moving-average decays, which crowd below 1."""

    low: float
    high: float
    distinct: ClassVar[None] = None

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)
        if self.high >= 1:
            raise ValueError(f"1 - 10^r stays below 1: high is {self.high:g}")

    def at(self, u: float) -> float:
        low, high = math.log10(1 - self.low), math.log10(1 - self.high)
        return float(min(max(1 - 10 ** (low + u * (high - low)), self.low), self.high))


@dataclass(frozen=True)
class IntLog2Uniform:
    """A power of two, every exponent equally likely: for batch sizes."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)
        for bound in (self.low, self.high):
            if not isinstance(bound, int) or bound < 1 or bound & (bound - 1):
                raise ValueError(f"low and high must be powers of two; given {bound}")

    @property
    def distinct(self) -> int:
        return self.high.bit_length() - self.low.bit_length() + 1

    def at(self, u: float) -> int:
        low, high = self.low.bit_length() - 1, self.high.bit_length() - 1
        return int(2 ** min(high, low + int(u * (high - low + 1))))


@dataclass(frozen=True)
class Choice:
    """One of `values`, all equally likely."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("values is empty")

    @property
    def distinct(self) -> int:
        return len(set(map(repr, self.values)))

    def at(self, u: float) -> Value:
        return self.values[min(len(self.values) - 1, int(u * len(self.values)))]


def _check_order(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"low and high must be finite; given {low} and {high}")
    if low >= high:
        raise ValueError(f"low must be below high; given low {low:g} and high {high:g}")


RANGES: dict[str, Callable[..., Distribution]] = {
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "one_minus_log_uniform": OneMinusLogUniform,
    "int_log2_uniform": IntLog2Uniform,
}


def parse_distribution(field: str, table: Any) -> Distribution:
    """A table such as `{ scale = "log_uniform", low = 1e-3, high = 1.0 }`, validated.

    Raises a RequestError that names the field.
    """
    if not isinstance(table, dict) or "scale" not in table:
        raise RequestError(
            f"nuisance.{field}: expected a table such as "
            f'{{ scale = "log_uniform", low = 0.001, high = 1.0 }}; got {table!r}'
        )
    scale, rest = table["scale"], {k: v for k, v in table.items() if k != "scale"}
    known = [*RANGES, "choice"]
    if scale not in known:
        raise RequestError(
            f"nuisance.{field}: unknown scale {scale!r}; {nearest(str(scale), known)}"
        )
    wanted = {"values"} if scale == "choice" else {"low", "high"}
    for key in rest.keys() - wanted:
        raise RequestError(f"nuisance.{field}: unknown key {key!r}; {nearest(key, wanted)}")
    for key in sorted(wanted - rest.keys()):
        raise RequestError(f"nuisance.{field}: {key!r} is missing for scale {scale!r}")
    try:
        if scale == "choice":
            return _choice(rest["values"])
        return RANGES[scale](**{k: _number(k, v) for k, v in rest.items()})
    except ValueError as error:
        raise RequestError(f"nuisance.{field}: {error}") from None


def _choice(values: Any) -> Choice:
    if not isinstance(values, list):
        raise ValueError(f"values must be a list; got {values!r}")
    return Choice(tuple(tuple(v) if isinstance(v, list) else v for v in values))


def _number(key: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} must be a number; got {value!r}")
    try:
        float(value)
    except OverflowError:
        raise ValueError(f"{key} is too large for a floating-point number") from None
    return value

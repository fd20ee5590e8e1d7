"""`caviar advise`: command-line arguments become a rule, and answers become text."""

from __future__ import annotations

from math import inf, isfinite, isinf
from typing import Any

from caviar.model.averages.conventions import Convention
from caviar.model.averages.frameworks import ALL
from caviar.runner.cli.conventions import KEEP, SECOND
from caviar.runner.errors import RequestError, nearest


def rule_of(name: str, decay: float | None) -> tuple[Convention, float]:
    """The convention of that name, and the given decay or else its own.

    Raises RequestError for an unknown name, for a rule without a decay of its own if none is
    given, and for a given decay if the rule has none.
    """
    if name not in ALL:
        raise RequestError(f"convention {name!r} is unknown; {nearest(name, ALL)}")
    row = ALL[name]
    if not row.uses_decay:
        if decay is not None:
            raise RequestError(f"convention {name!r} has no decay; leave --decay out")
        return row, 0.0
    chosen = row.decay if decay is None else decay
    if chosen is None:
        raise RequestError(f"convention {name!r} has no decay of its own; add --decay 0.99")
    return row, chosen


def head(row: Convention, asked: dict[str, Any]) -> tuple[str, str]:
    """What was asked, and the rule, each in a sentence."""
    return _asked(asked), _rule(row, asked["decay"])


def _asked(asked: dict[str, Any]) -> str:
    steps, examples = asked["steps"], asked["dataset_size"]
    when = "in the long run" if isinf(steps) else f"after {steps:,} steps"
    drawn = (
        "independent batches" if isinf(examples) else f"shuffled epochs of {examples:,} examples"
    )
    kurtosis = asked["excess_kurtosis"]
    law = f"inputs of excess kurtosis {kurtosis:g}" if kurtosis else "normal inputs"
    return (
        f"Batches of {asked['norm_batch_size']}, {when}, {drawn}, {law}; sigma is the population's."
    )


def _rule(row: Convention, decay: float) -> str:
    kept = f"r <- k r + (1 - k) s with k = {KEEP[row.keep]}"
    if row.uses_decay:
        kept += f" and {'T' if row.keep == 'time_constant' else 'd'} = {decay:g}"
    origin = ""
    if row.version:
        how = "reproduces recorded numbers of" if row.verified else "was read from the source of"
        origin = f" This row {how} the framework, {row.version}."
    return f"Rule {row.name}: {kept}; of the variance, s = {SECOND[row.second]}.{origin}"


def finite(value: Any) -> Any:
    """The same values for JSON, which has neither infinity nor NaN: they become null."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def fields_of(
    row: Convention,
    decay: float,
    batch_size: int,
    steps: int | None,
    dataset_size: int | None,
    excess_kurtosis: float,
) -> dict[str, Any]:
    """The fields of the question to theory; `steps` and `dataset_size` are infinite by default."""
    return {
        "norm_batch_size": batch_size,
        "decay": decay,
        "keep": row.keep,
        "second": row.second,
        "epsilon": row.epsilon,
        "steps": inf if steps is None else steps,
        "dataset_size": inf if dataset_size is None else dataset_size,
        "excess_kurtosis": excess_kurtosis,
        "initial_mean": row.initial_mean,
        "initial_second": row.initial_second,
    }

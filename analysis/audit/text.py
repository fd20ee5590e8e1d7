"""An audit as text for a terminal: the answer first, then a row per norm, caveats last."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from caviar.analysis.audit.contract import (
    PARTS,
    READINGS,
    batch_noise_of,
    charged_most,
    layers_of,
    losses_of,
    readings_of,
)
from caviar.analysis.audit.evidence import Evidence
from caviar.analysis.audit.facts import Facts
from caviar.analysis.audit.verdict import Verdict
from caviar.analysis.number_format import number

WIDTH = 96
MOST_ROWS = 24
"""Of more norms than this, the ones that cost or differ most are shown."""

ROUNDING = 1e-4
"""Root mean squares below it are told as 0: single precision leaves as much."""


def text(facts: Facts, verdict: Verdict) -> str:
    """The whole answer."""
    lines = [
        *_wrapped(f"{verdict.cause}: {verdict.sentence}"),
        *(line for n, do in enumerate(verdict.actions, 1) for line in _wrapped(do, f"{n}. ")),
    ]
    if verdict.also is not None:
        lines += _wrapped(f"Also {verdict.also.cause}: {verdict.also.sentence}")
    lines += ["", *_losses(facts.evidence), "", *_table(facts), "", *_caveats(facts)]
    return "\n".join(lines)


def _wrapped(sentence: str, bullet: str = "") -> list[str]:
    return textwrap.wrap(
        sentence,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_on_hyphens=False,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else number(value)


def _losses(evidence: Evidence) -> list[str]:
    losses = losses_of(evidence)
    readings = readings_of(evidence)
    if losses is None or readings is None:
        return _wrapped("No loss could be computed: give --loss to learn what statistics cost.")
    whose = "the data given" if evidence.test is None else "the test set"
    listed = ", ".join(f"{name} {_number(losses[name])}" for name in READINGS)
    noise = batch_noise_of(evidence) or {}
    sizes = ", ".join(f"{_number(noise[m])} at m = {m}" for m in noise)
    return [
        *_wrapped(f"Loss of {whose} by the statistics that normalise it: {listed}."),
        *(
            _wrapped(f"The noise of batches adds to the loss of the data given: {sizes}.")
            if sizes
            else []
        ),
    ]


def _table(facts: Facts) -> list[str]:
    layers = layers_of(facts)
    shown = layers
    if len(layers) > MOST_ROWS:
        most = [layer["name"] for layer in charged_most(layers)[:MOST_ROWS]]
        shown = [layer for layer in layers if layer["name"] in most]
    rows = [("norm", *PARTS, "KL per unit", "loss"), *map(_row, shown)]
    left = len(layers) - len(shown)
    more = [f"{left} more norms differ or cost less; --json has all."] if left else []
    return [*_columns(rows), *more]


def _row(layer: dict[str, Any]) -> tuple[str, ...]:
    kl, loss = _number(layer["kl_per_unit"]), _number(layer["loss"])
    return (layer["name"], *(_cell(layer[part]) for part in PARTS), kl, loss)


def _cell(part: dict[str, Any] | None) -> str:
    if part is None:
        return "-"
    return f"{_short(part['mean']['rms'])} {_short(part['log_variance']['rms'])}"


def _short(value: float | None) -> str:
    """One or two digits; `0` for what is rounding of single precision."""
    if value is None:
        return "-"
    return "0" if value < ROUNDING else f"{value:.1g}" if value < 0.1 else f"{value:.2g}"


def _columns(table: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _caveats(facts: Facts) -> list[str]:
    evidence = facts.evidence
    words = (
        "Each pair is the root mean square over a norm's units, of the mean in population "
        "deviations and of the log ratio of variances: what the start value left, what sampling "
        "of batches should leave, what remains beyond both (lag), what batches have otherwise than "
        "the population (bias), and how the test set differs (shift). Loss is what the stored "
        "statistics of that norm alone add."
    )
    lines = [*_wrapped(words)]
    if evidence.never_called:
        lines += _wrapped(f"Never called in a pass: {', '.join(evidence.never_called)}.")
    if twice := [layer.name for layer in evidence.layers if layer.calls > 1]:
        lines += _wrapped(
            f"Called more than once in a pass, with one set of statistics: {', '.join(twice)}."
        )
    return lines

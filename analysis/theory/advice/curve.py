"""The same question at other norm batch sizes: what grows with the batch, and what shrinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from caviar.analysis.theory.advice.action import NATS, Ends, ends_of
from caviar.analysis.theory.advice.average_changes import recomputed
from caviar.analysis.theory.prediction import divergence, dropout_rate
from caviar.analysis.theory.question import Question

SIZES = tuple(2**k for k in range(1, 11))


@dataclass(frozen=True)
class Point:
    """One size; a convolution has two values each, for positions alike and independent.

    `divergence`: nats per unit of the running averages; `recomputed`: of statistics taken anew at
    the final weights; `dropout_rate`: of the dropout with as much noise as training has.
    """

    norm_batch_size: int
    divergence: tuple[float, ...]
    recomputed: tuple[float, ...]
    dropout_rate: tuple[float, ...]


def curve(question: Question) -> tuple[Point, ...]:
    """The question from 2 to 1,024 examples and at its own size, as far as the data set goes."""
    m, most = question.norm_batch_size, question.dataset_size / question.devices
    sizes = sorted({size for size in SIZES if size <= most} | {m})
    return tuple(_point(ends_of(replace(question, norm_batch_size=size)), size) for size in sizes)


def _point(ends: Ends, size: int) -> Point:
    return Point(
        size,
        tuple(map(divergence, ends)),
        tuple(divergence(recomputed(end)) for end in ends),
        tuple(map(dropout_rate, ends)),
    )


def in_words(points: Sequence[Point], question: Question) -> str:
    """The curve at the size, at a quarter of it, and at four times it or on all devices."""
    m = question.norm_batch_size
    more = m * question.devices if question.devices > 1 else 4 * m
    wanted = [point for point in points if point.norm_batch_size in (m // 4, m, more)]
    told = "; ".join(
        f"{point.norm_batch_size} examples: {_ends(point.divergence)} {NATS}, recomputed "
        f"{_ends(point.recomputed)}, and dropout at {_ends(point.dropout_rate)}"
        for point in wanted
    )
    return f"error of the running averages, and noise of training as a rate of dropout. {told}."


def _ends(values: tuple[float, ...]) -> str:
    return " to ".join(f"{value:.2g}" for value in values)

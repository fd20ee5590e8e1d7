"""What to change about the norm batch itself: its size, devices that share it, another norm."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory.advice.action import DROPOUT, Action, Ends, Kind, falling
from caviar.analysis.theory.advice.framework_words import Words
from caviar.analysis.theory.prediction import dropout_rate

STRONG_DROPOUT = 0.1
"""The equivalent dropout rate from which noise is offered to be lowered; a convention.

Rates of 0.1 to 0.5 are those that dropout is used with.
"""

IF_NOISY = "If the training loss is too high, or evaluation stays bad with recomputed statistics"

FEW_IMAGES = 4
"""Images per mean up to which group norm is advised; a convention."""


def larger_batch(ends: Ends, words: Words) -> Iterator[Action]:
    question = ends[0]
    m = question.norm_batch_size
    if question.positions > 1 or not math.isinf(theory.squared_inflation(m)):
        return
    why = (
        "With 2 examples a normalised input is +1 or -1: only the order survives, and hardly any "
        "gradient passes."
        if m == 2
        else f"With {m} examples 1 / sigma_B has no finite variance: single batches can be scaled "
        "up without bound."
    )
    yield _with_less_noise(ends, "larger_batch", "Use a norm batch of 8 examples or more.", 8, why)


def _with_less_noise(
    ends: Ends, kind: Kind, do: str, examples: int, why: str, devices: int = 1
) -> Action:
    # The data set is left out: it may be smaller than the larger batch.
    larger = tuple(
        replace(end, norm_batch_size=examples, devices=devices, dataset_size=math.inf)
        for end in ends
    )
    before, after = (tuple(map(dropout_rate, these)) for these in (ends, larger))
    gain = (
        f"With {examples} examples behind each mean the noise of training, as a rate of dropout, "
        f"{falling(before, after)}; it needs training anew."
    )
    return Action(kind, do, f"{why} {gain}".strip(), examples, DROPOUT, before, after)


def shared_statistics(ends: Ends, words: Words) -> Iterator[Action]:
    """The same batch on several devices: less noise without larger batches."""
    question = ends[0]
    if question.devices == 1 or dropout_rate(question) < STRONG_DROPOUT:
        return
    how = words.sync or "average mean and squared mean over the devices in every step"
    do = f"{IF_NOISY}, share statistics between devices: {how}."
    yield _with_less_noise(ends, "sync", do, question.norm_batch_size * question.devices, "")


def another_norm(ends: Ends, words: Words) -> Iterator[Action]:
    """A norm without batches, for convolutions of few images."""
    question = ends[0]
    if question.positions == 1 or question.norm_batch_size > FEW_IMAGES:
        return
    if dropout_rate(question) < STRONG_DROPOUT:
        return
    yield Action(
        "group_norm",
        f"{IF_NOISY}, replace batch norm by {words.group or 'group norm of 32 groups'}.",
        "It has no batch and no running average. In Wu & He 2018 its error was 10.6 points below "
        "batch norm's at 2 images per device (ResNet-50, ImageNet); it needs training anew.",
    )

"""What to change about the norm batch itself: its size, devices that share it, another norm."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory.advice.action import DROPOUT, Action, Ends, Kind, either
from caviar.analysis.theory.advice.framework_words import Words
from caviar.analysis.theory.prediction import dropout_rate

STRONG_DROPOUT = 0.1
"""The equivalent dropout rate from which noise is offered to be lowered; a convention.

Rates of 0.1 to 0.5 are those that dropout is used with.
"""

FEW_IMAGES = 4
"""Images per mean up to which group norm is advised.

Wu & He 2018, ResNet-50 on ImageNet: batch norm is 10.6 points worse at 2 images, 3.1 at 4.
"""


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
        f"{why} {examples} examples behind each mean take the noise of training from that of "
        f"dropout at {either(before)} to {either(after)}; it needs training anew."
    )
    return Action(kind, do, gain, examples, DROPOUT, before, after)


def less_noise(ends: Ends, words: Words) -> Iterator[Action]:
    """Less noise in training: statistics of all devices, or a norm without batches."""
    question = ends[0]
    m, strong = question.norm_batch_size, dropout_rate(question) >= STRONG_DROPOUT
    if not strong:
        return
    if question.devices > 1:
        how = words.sync or "average mean and squared mean over the devices in every step"
        yield _with_less_noise(
            ends,
            "sync",
            f"If the training loss is too high, share statistics between devices: {how}.",
            m * question.devices,
            "",
        )
    elif question.positions > 1 and m <= FEW_IMAGES:
        yield Action(
            "group_norm",
            "If the training loss is too high, replace batch norm by "
            f"{words.group or 'group norm of 32 groups'}.",
            "It has no batch and no running average. In Wu & He 2018 (ResNet-50, ImageNet) its "
            "error was 24.1 % at 2 images and 24.2 % at 4, batch norm's 34.7 % and 27.3 %; it "
            "needs training anew.",
        )

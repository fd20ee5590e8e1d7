"""Rules that average badly: their start still weighs, or the momentum is inverted."""

from __future__ import annotations

import numpy as np

from caviar.analysis.audit.causes.cause import RECOMPUTE, Cause, Told
from caviar.analysis.audit.causes.words import cost_in_words, percent
from caviar.analysis.audit.facts import EXPLAINS, LARGE_KL, Facts, kl_of
from caviar.analysis.number_format import number

LEAST_WEIGHT = 0.01
"""A start that weighs less is not told from lag."""

MOSTLY = 0.5
"""Statistics of which more than this is the start are named whatever they cost."""

INVERTED = 0.9
"""From this momentum on a rule keeps a tenth of its past or less."""

RECOMPUTED = 0.3
"""Statistics nearer to the batches' mean than this share of what the rule leaves were written by
something else, such as `update_bn`."""


def _start_dominates(facts: Facts) -> bool:
    """Whether the start explains more of the layers' divergence than all else."""
    start, lag = [], []
    for one in facts.parts:
        if one.start is None or one.lag is None:
            continue
        start.append(kl_of(one.start.mean.value, one.start.variance.value))
        lag.append(kl_of(one.lag.mean.value, one.lag.variance.value))
    return float(np.nansum(start)) > float(np.nansum(lag))


def _start(facts: Facts) -> Told | None:
    weight = facts.weight
    mostly = facts.still_starting and weight > MOSTLY and facts.largest_kl > LARGE_KL
    if weight < LEAST_WEIGHT or not (facts.costs() or mostly) or not _start_dominates(facts):
        return None
    momentum, updates = facts.momentum, facts.layers[0].updates
    rule = ""
    if momentum is not None and updates is not None:
        rule = f" after {updates:,} updates with momentum={number(momentum)}"
    return Told(
        f"The start (mean 0, variance 1) still makes up {percent(weight)} of all statistics{rule}; "
        f"{cost_in_words(facts)}.",
        (
            "Take the start out without data: (r - d^t start) / (1 - d^t) for every statistic r "
            "(`caviar audit ... --repair OUT` or `caviar.repair`), or recompute.",
            "Train with a larger momentum (PyTorch's default is 0.1) or with momentum=None, which "
            "averages all batches alike, so that training is longer than the memory.",
        ),
    )


START = Cause("start", _start, frozenset({"lag", "sampling", "poisoned-batch"}))


def fits_start(facts: Facts) -> bool:
    """Whether one weight of the start explains what all layers store."""
    return facts.start.share > EXPLAINS and facts.start.weight > LEAST_WEIGHT


def _inverted(facts: Facts) -> Told | None:
    high = [
        one
        for layer, one in zip(facts.layers, facts.parts, strict=True)
        if layer.momentum is not None and layer.momentum >= INVERTED
    ]
    if not high or len(high) < len(facts.layers) / 2:
        return None
    if not facts.costs() and max(one.excess_mean for one in high) < RECOMPUTED:
        return None
    momentum = facts.momentum
    assert momentum is not None
    instead = 1 - momentum if momentum < 1 else 0.1
    m = facts.evidence.batch_size
    return Told(
        f"The momentum is inverted: with momentum={number(momentum)} PyTorch keeps "
        f"{percent(1 - momentum)} of the past, so the statistics are those of the last batch of "
        f"{m:,}; {cost_in_words(facts)}.",
        (
            f"Set momentum={number(instead)} where {number(momentum)} stands: PyTorch's momentum "
            "is the weight of the new batch, Keras' and TensorFlow's that of the past.",
            RECOMPUTE,
        ),
    )


INVERTED_MOMENTUM = Cause("inverted-momentum", _inverted, frozenset({"sampling", "lag"}))

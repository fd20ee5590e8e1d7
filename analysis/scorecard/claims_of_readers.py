"""Claims about the statistics that networks are read with at test time."""

from __future__ import annotations

from caviar.analysis.scorecard.claim import ABOVE_ZERO, EQUAL, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.claims_of_size import SMALL_NETWORKS
from caviar.analysis.scorecard.seedwise import Seedwise
from caviar.analysis.scorecard.sizes import between_statistics, norm_sizes

NOT_TINY = 16
SMALL = 8
"""Norm batches up to this size are small, in the sense of claims about repairing them."""


def precise_while_moving(s: Seedwise) -> Parts | None:
    """Running less precise at the largest size, where the learning rate never falls."""
    if s.of_batch_norm("schedule") != "constant":
        return None
    return between_statistics(s, "running", "precise", norm_sizes(s)[-1:])


def precise_equal_at_end(s: Seedwise) -> Parts | None:
    """Running less precise where the learning rate has ended at zero."""
    if s.of_batch_norm("schedule") == "constant":
        return None
    sizes = [size for size in norm_sizes(s) if NOT_TINY <= size < s.examples]
    return between_statistics(s, "running", "precise", sizes)


def evalnorm_helps(s: Seedwise) -> Parts | None:
    """Running less EvalNorm at small sizes."""
    sizes = [size for size in norm_sizes(s) if size <= SMALL]
    return between_statistics(s, "running", "evalnorm", sizes)


CLAIMS = (
    Claim(
        key="precise-while-moving",
        source="Wu & Johnson 2021",
        text="While weights still move, precise statistics beat a running average.",
        tag="V",
        quote="docstring of update_bn_stats in their code, fvcore: “the running average can not "
        "precisely reflect the actual stats of the current model”",
        quantity="test loss under the running average of decay 0.9 less that under precise "
        "statistics, at the largest norm batch, learning rate constant",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="running-average",
        measure=precise_while_moving,
        differs=f"{SMALL_NETWORKS}; batches of 256, where the paper's effect is one of large "
        "batches on ImageNet.",
        not_tested="Larger batches, and whether validation curves are steadier.",
    ),
    Claim(
        key="evalnorm-helps",
        source="Singh & Shrivastava 2019",
        text="For small norm batches, statistics that count the test example in beat a running "
        "average.",
        tag="V",
        quote="abstract: “EvalNorm yields large gains for models trained with smaller batches.”",
        quantity="test loss under the running average of decay 0.9 less that under EvalNorm, up to "
        "m = 8",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=evalnorm_helps,
        differs=f"{SMALL_NETWORKS}; an example has one position, where an image has statistics of "
        "its own; the weights of EvalNorm are exact, not learnt.",
        not_tested="Convolutional networks with two images per batch.",
    ),
    Claim(
        key="precise-equal-at-end",
        source=f"readers at the end, {THIS_STUDY}",
        text="Once training has come to rest, a running average is as good as precise statistics, "
        "unless the norm batch is tiny.",
        tag="D",
        quote="after notes on Wu & Johnson 2021, whose section on it was not read here",
        quantity="test loss under the running average of decay 0.9 less that under precise "
        "statistics, from m = 16 up to 256",
        region=EQUAL,
        smallest=0.0,
        unit="nats",
        design="ghost-size",
        measure=precise_equal_at_end,
        differs=f"{SMALL_NETWORKS}; the learning rate ends at zero.",
        not_tested="Norm batches below 16, and decays other than 0.9.",
    ),
)

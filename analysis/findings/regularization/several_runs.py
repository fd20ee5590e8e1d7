"""The effect under every specification, in several designs, and across data sets."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.figures import decompositions, robustness
from caviar.analysis.findings.columns import (
    AXIS,
    FACET,
    LEFT_OUT,
    LEVEL,
    QUANTITY,
    READING,
    STUDY,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.tables.data_sets import across_data_sets
from caviar.analysis.tables.designs import designs_beside
from caviar.analysis.tables.specification_curve import SMALLEST, below_zero, specifications


def _below_zero(results: Results) -> list[str]:
    table = results.reading("specifications")
    if table.empty:
        return []
    counts = below_zero(table, SMALLEST)
    return [f"Test loss at the smallest size less that at the largest: {counts}."]


def _designs(results: Results) -> pd.DataFrame:
    return designs_beside(results.comparisons) if results.beside else pd.DataFrame()


SPECIFICATIONS = Finding(
    name="specifications",
    part="regularisation",
    compute=lambda results: specifications(results.comparisons),
    columns=(
        Column("compared", "text", "`smallest size` or `best size`: what is held against it."),
        STUDY,
        AXIS,
        FACET,
        Column("draw", "text", "The number of the draw; `every` where nothing is paired."),
        LEVEL,
        Column("reference", "examples", "The largest size, which it is held against."),
        *interval("nats", "Test loss at the size less that at the largest, a mean over units."),
        LEFT_OUT,
    ),
    fields="Last, one column per config field in which specifications differ.",
    title="Robustness: the effect under every specification",
    says="Test loss less that at the largest size for every crossed field, data set and draw "
    "by itself: of the smallest size, which nothing chose, and of the best of all its draws, "
    "whose choice on the same seeds flatters it. Specifications share seeds and data, so "
    "their number is no number of independent confirmations.",
    caption="One specification above another's marks; below each, what makes it. A value "
    "whose marks crowd at one end moves the effect. Bars are 95 % intervals, each for itself, "
    "from five seeds on; surely: the interval misses zero. The axis is linear near zero.",
    alt="Effects of size on test loss in their order, with intervals, over the fields that "
    "make each specification.",
    draw=lambda results: robustness.specifications(results.reading("specifications")),
    sentences=_below_zero,
)

DESIGNS = Finding(
    name="designs",
    part="regularisation",
    compute=_designs,
    columns=(
        STUDY,
        AXIS,
        READING,
        QUANTITY,
        FACET,
        LEVEL,
        *interval("nats", "The loss less that at the largest size that all designs have."),
        LEFT_OUT,
    ),
    title="Designs beside each other",
    says="Train and test loss under population statistics at every size, less those at the "
    "largest size that all the designs have. What is left of a naive effect where only the "
    "statistics' batch moves is the work of the statistics; where only the update's batch "
    "moves at equal steps, that of gradient noise; the rest goes with the number of steps. "
    "Every draw: shared learning rates. Best draw: each size at its own.",
    caption="Bars are 95 % intervals over seeds.",
    alt="Train and test loss against size for several designs.",
    draw=lambda results: decompositions.designs(results["designs"]),
)

ACROSS_DATA_SETS = Finding(
    name="across_data_sets",
    part="regularisation",
    compute=lambda results: across_data_sets(results.comparisons),
    columns=(
        QUANTITY,
        LEVEL,
        *interval("share", "Interquartile mean of the difference over the loss at the reference."),
        Column("data_sets", "count", "Data sets that it is over."),
    ),
    title="Across data sets",
    says="The same comparison on several data sets as one number: the interquartile mean over "
    "the seeds of all of them of the difference in loss, as a share of each data set's loss "
    "at the reference. Seeds are resampled within data sets; the interval speaks of these.",
)

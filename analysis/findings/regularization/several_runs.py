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
from caviar.analysis.tables.designs import designs_beside, told
from caviar.analysis.tables.specification_curve import SMALLEST, below_zero, specifications


def _below_zero(results: Results) -> list[str]:
    table = results.reading("specifications")
    if table.empty:
        return []
    counts = below_zero(table, SMALLEST)
    return [
        "At each learning rate by itself (with other drawn and crossed fields: a specification), "
        f"test loss at the smallest size less that at the largest: {counts}."
    ]


def _designs(results: Results) -> pd.DataFrame:
    return designs_beside(results.comparisons) if results.beside else pd.DataFrame()


SPECIFICATIONS = Finding(
    name="specifications",
    part="regularisation",
    compute=lambda results: specifications(results.comparisons),
    columns=(
        Column("compared", "text", "`smallest size` or `best size`: which size is compared."),
        STUDY,
        AXIS,
        FACET,
        Column("draw", "text", "The number of the draw; `every` where nothing is paired."),
        LEVEL,
        Column("reference", "examples", "The largest size, with which it is compared."),
        *interval("nats", "Test loss at the size less that at the largest, a mean over units."),
        LEFT_OUT,
    ),
    fields="Last, one column per config field in which specifications differ.",
    title="Robustness: the effect under every specification",
    says="Test loss less that at the largest size, separately for every crossed field, data set "
    "and draw: once for the smallest size, which was not chosen by any result, and once for the "
    "best size over all draws, which looks better than it is because it was chosen on the same "
    "seeds. Specifications share seeds and data, so they are not independent confirmations.",
    caption="Each point is one specification, and the marks below it show its settings. A "
    "setting whose marks crowd at one end changes the effect. Each bar is the 95 % interval of "
    "its own specification, given from five seeds on; significant means that it excludes 0. The "
    "axis is linear near zero.",
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
    title="Several designs on one axis",
    says="Train and test loss under population statistics at every size, less those at the "
    "largest size that all designs have. The part of a naive effect that remains where only the "
    "norm batch varies is due to the statistics; the part that remains where only the update's "
    "batch varies at equal steps is due to gradient noise; the rest is due to the number of "
    "steps. Test loss is read at the draw that each size chose on other seeds, train loss at the "
    "one that most sizes chose; rows of every draw average over all of them.",
    caption="Bars are 95 % intervals over seeds.",
    alt="Train and test loss against size for several designs.",
    draw=lambda results: decompositions.designs(told(results["designs"])),
)

ACROSS_DATA_SETS = Finding(
    name="across_data_sets",
    part="regularisation",
    compute=lambda results: across_data_sets(results.comparisons),
    columns=(
        QUANTITY,
        LEVEL,
        *interval(
            "share",
            "Interquartile mean of the difference over the loss at the reference.",
            "any number",
        ),
        Column("data_sets", "count", "The number of data sets."),
    ),
    title="Across data sets",
    says="The same comparison on several data sets as one number: the interquartile mean, over "
    "the seeds of all data sets, of the difference in loss as a share of that data set's loss at "
    "the reference. Seeds are resampled within data sets, so the interval holds for these data "
    "sets only.",
)

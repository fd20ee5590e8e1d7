"""What the drawn fields do to the loss, and how much depends on the draw."""

from __future__ import annotations

from caviar.analysis.figures import robustness as figures
from caviar.analysis.findings.columns import (
    FACET,
    LEFT_OUT,
    LEVEL,
    QUANTITY,
    UNITS,
    ends,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.tables.tuning import tuning, tuning_spread

TUNING = Finding(
    name="tuning",
    part="regularisation",
    compute=lambda results: tuning(results.comparison),
    columns=(
        QUANTITY,
        FACET,
        LEVEL,
        Column("draw", "text", "The number of the draw."),
        *interval("nats; test_accuracy: share", "The quantity at this draw, a mean over seeds."),
        LEFT_OUT,
        Column("best", "true or false", "Whether the level chooses it, by validation loss."),
        Column("at_edge", "text", "The drawn fields in which this draw is the lowest or highest."),
    ),
    fields="After `draw`, one column per drawn field that is a number.",
    title="Tuning",
    says="Test loss of every draw against the value drawn, for every size; the table has "
    "validation loss and test accuracy too. The best draw is chosen by the validation loss of the "
    "first third of the seeds, as in the reading of that name.",
    caption="Points of one draw are placed next to each other. A hollow star is a best draw at "
    "the edge of the values drawn: a better one may lie beyond. Where the lowest points of the "
    "lines lie apart, sizes need different tuning. Bars are 95 % intervals over seeds, given "
    "from five seeds on.",
    alt="Test loss against each drawn field for every size, with the best draws starred.",
    draw=lambda results: figures.tuning(results.reading("tuning"), results.design.symbol),
)

TUNING_SPREAD = Finding(
    name="tuning_spread",
    part="regularisation",
    compute=lambda results: tuning_spread(results.comparison),
    columns=(
        QUANTITY,
        FACET,
        LEVEL,
        Column("over", "text", "`draws` (of their means over seeds) or `seeds` (within a draw)."),
        Column("deviation", "nats", "The standard deviation."),
        *ends("nats"),
        UNITS,
        LEFT_OUT,
    ),
    title="How much depends on the draw",
    says="The standard deviation of the draws' means over seeds (study variance), and that of "
    "the seeds of the same draw. Where the first is larger, a comparison at one draw says more "
    "about that draw than about the size. Intervals are over draws or over seeds, given from "
    "five on; units is their number.",
)

"""Columns that many tables have."""

from __future__ import annotations

from caviar.analysis.findings.finding import Column

READING = Column(
    "reading",
    "text",
    "Which draws of a search count: `every draw`, averaged; the `best draw` of each level, which "
    "the answer is read at where a study draws several; or the `shared draw` that most choose.",
)
QUANTITY = Column("quantity", "text", "The quantity that `mean`, `low` and `high` are about.")
FACET = Column(
    "facet", "text", "The other crossed fields, as `name = value`; empty where there are none."
)
LEVEL = Column("level", "examples", "The batch size that is compared.")
LAYER = Column("layer", "text", "The norm layer, counted from the input.")
RULE = Column("rule", "text", "The rule of the running average.")
TRACKER_DECAY = Column(
    "tracker_decay",
    "share",
    "The decay of the running average; empty where the rule has none, or where it was drawn.",
)
PART = Column("part", "text", "`sampling`, `staleness` or `propagation`.")
PROBED = Column("probe_batch_size", "examples", "The size of the batches that were evaluated.")
STUDY = Column("study", "text", "The name of the study.")
AXIS = Column("axis", "text", "The field that is compared: `norm_batch_size` or `batch_size`.")
LEFT_OUT = Column(
    "left_out", "count", "Measurements missing from the mean because they are lost or not finite."
)
UNITS = Column("units", "count", "The number of seeds, or of trials where nothing is paired.")


def interval(unit: str, of: str = "The mean over units.", between: str = "") -> tuple[Column, ...]:
    """`mean`, `low`, `high` and `units`: an estimate in `unit` with its 95 % interval."""
    return (Column("mean", unit, of, between), *ends(unit, between), UNITS)


def ends(unit: str, between: str = "") -> tuple[Column, Column]:
    """`low` and `high`, the ends of a 95 % interval."""
    says = "The {} end of the 95 % interval; empty with fewer than 5 units."
    return (
        Column("low", unit, says.format("lower"), between),
        Column("high", unit, says.format("upper"), between),
    )


def other_data(unit: str) -> tuple[Column, Column]:
    """`other_low` and `other_high`, the ends of an interval that holds for other examples too."""
    says = (
        "The {} end for other data of the same kind, of which these examples are a sample "
        "(Nadeau & Bengio 2003); `low` and `high` are for these examples."
    )
    return (
        Column("other_low", unit, says.format("lower")),
        Column("other_high", unit, says.format("upper")),
    )


def edges(of: str) -> tuple[Column, Column]:
    """`low_edge` and `high_edge`: whether a range reaches the ends of what was tried."""
    return (
        Column("low_edge", "true or false", f"Whether the range reaches the smallest {of} tried."),
        Column("high_edge", "true or false", f"Whether the range reaches the largest {of} tried."),
    )

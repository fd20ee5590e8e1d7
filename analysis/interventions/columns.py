"""The columns of the tables that say what edits did, each with its unit and a sentence."""

from __future__ import annotations

from typing import NamedTuple

from caviar.analysis.findings.finding import Column

NATS = "nats; accuracy: share"
LINEAGE = Column(
    "lineage",
    "number of the lineage",
    "The training: 0 is the one without edits, the others are numbered by the edit that began "
    "them.",
    "0 or more",
)
SPLIT = Column("split", "text", "The examples that were evaluated.", "test, validation or train")
STATISTICS = Column(
    "statistics", "text", "What normalised them: `population` or `running`.", "population, running"
)
UNITS = Column("units", "count", "Seeds that entered.")
LEFT_OUT = Column("left_out", "count", "Seeds that did not: a side is not finite there.")


class Declared(NamedTuple):
    """A table of a panda's report: its name, what it says, and its columns."""

    name: str
    says: str
    columns: tuple[Column, ...]

    @property
    def units(self) -> dict[str, str]:
        """The units by column, of columns that are numbers."""
        return {c.name: c.unit for c in self.columns if c.unit not in ("text", "true or false")}


EFFECTS = Declared(
    "effects_of_edits",
    "Each edit: the training that it began less the one that went on without it, at the same "
    "update and paired by seed; and the last training less the twin, which was never edited.",
    (
        Column("kind", "text", "`edit`, or `all edits` of the last training.", "edit, all edits"),
        LINEAGE,
        Column(
            "against",
            "number of the lineage",
            "The training that it is compared with: the one without that edit.",
            "0 or more",
        ),
        Column("step", "updates", "The edit took effect at the end of this update."),
        Column("change", "text", "What was changed, in the words of a study file."),
        Column("when", "text", "When both were read.", "one epoch after, at the end"),
        Column("read_step", "updates", "The updates that both had made then."),
        SPLIT,
        STATISTICS,
        Column("quantity", "text", "What was read.", "loss, accuracy"),
        Column("mean", NATS, "The mean difference over seeds.", "any number"),
        Column("low", NATS, "Lower end of its 95 % interval over seeds.", "any number"),
        Column("high", NATS, "Upper end.", "any number"),
        UNITS,
        LEFT_OUT,
    ),
)

LOSSES = Declared(
    "losses_with_edits",
    "Mean losses of every training while it ran, and its difference from the twin.",
    (
        LINEAGE,
        Column("step", "updates", "Updates made when it was read."),
        SPLIT,
        STATISTICS,
        Column("loss", "nats", "The mean over seeds."),
        Column("less_twin", "nats", "The mean paired difference from the twin."),
        Column(
            "low",
            "nats",
            "Lower end of its 95 % interval at this update alone; of the last training's test "
            "rows only.",
        ),
        Column("high", "nats", "Upper end."),
        UNITS,
    ),
)

REQUESTS = Declared(
    "requests",
    "What was asked of the training while it ran, in order, with what was refused and why. The "
    "columns are those of `interventions`.",
    (),
)

SCHEDULE = Declared(
    "effects_of_schedules",
    "An arm with changes (`changes` of a study) less the one that is the same without them, at the "
    "end of training and paired by seed: whether edits help on other seeds.",
    (
        Column("arm", "text", "The arm with changes."),
        Column("against", "text", "The arm without them."),
        Column("where", "text", "The values of crossed fields; empty where none is crossed."),
        STATISTICS,
        Column("quantity", "text", "What was read.", "test_loss, test_accuracy"),
        Column("mean", NATS, "The mean difference over seeds.", "any number"),
        Column("low", NATS, "Lower end of its 95 % interval over seeds.", "any number"),
        Column("high", NATS, "Upper end.", "any number"),
        UNITS,
        LEFT_OUT,
    ),
)

DECLARED = (EFFECTS, LOSSES, SCHEDULE)

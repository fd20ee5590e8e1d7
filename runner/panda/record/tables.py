"""The tables that only the run of a panda has: what was asked, and what was read on the way."""

from __future__ import annotations

import pyarrow as pa

from caviar.runner.store.columns import (
    FROM_0,
    SHARE,
    TRIAL,
    Column,
    real,
    text,
    whole,
)

LINEAGE = whole("lineage", "number of the lineage", "The lineage; 0 is the twin.")
SEED = whole("seed", "seed", "The seed: one of the networks that train side by side.")
STEP = whole("step", "updates", "Updates made when it was read.", "1 or more")

INTERVENTIONS = (
    whole(
        "number",
        "number of the request",
        "The place of the request in the run, from 0; one that sets several fields has a row for "
        "each.",
    ),
    TRIAL._replace(says="The trial of the lineage that it was asked of."),
    LINEAGE._replace(says="The lineage that it was asked of; 0 is the twin."),
    whole(
        "child",
        "number of the lineage",
        "The lineage that it started, or that became current; -1 if neither.",
        "-1 or more",
    ),
    text("child_trial_id", "The trial of that lineage; else empty."),
    whole("step", "updates", "The step at whose end it took effect."),
    whole("asked_step", "updates", "The updates that the lineage had made when it was asked."),
    text("what", "What was asked.", "set, reset, recompute, pause, rewind and so on"),
    text("field", "The field or the layer that changed; else empty."),
    text("old", "Its value before, as text; else empty."),
    text("new", "Its value after, a name or a number, as text; else empty."),
    text("change", "The change as the trial's `changes` has it; empty if it changed nothing."),
    Column("accepted", pa.bool_(), "yes or no", "Whether it was done.", "true or false"),
    text("note", "Why it was refused, or the note of whoever asked."),
    text("asked_by", "Who asked.", "screen, control USER@HOST, python, lesson"),
    text("wall_time", "When it was asked, in UTC."),
)

READINGS = (
    TRIAL,
    LINEAGE,
    SEED,
    STEP,
    text("split", "The examples that were evaluated.", "train, validation or test"),
    text("statistics", "What normalised them.", "population or running"),
    text("tracker", "The running average, that of `decay`; empty under population statistics."),
    real("loss", "nats", "Cross-entropy, a mean over the examples.", FROM_0),
    real("accuracy", "share", "Examples whose most likely class is the right one.", SHARE),
    real(
        "train_mode_loss",
        "nats",
        "The loss of the training split at these weights in batches of the size trained with; in "
        "the row of `train` under `population`, empty elsewhere.",
        FROM_0,
    ),
)

READING_LAYERS = (
    TRIAL,
    LINEAGE,
    SEED,
    STEP,
    text("layer", "The norm layer, counted from the input.", "norm1, norm2 and so on"),
    real("mean_error", "population deviations", "As in `statistics`, of the same average.", FROM_0),
    real("variance_error", "log ratio", "As in `statistics`, of the same average.", FROM_0),
    real(
        "batch_noise",
        "population variance",
        "The variance of a batch's mean at the size trained with, a mean over features.",
        FROM_0,
    ),
    real("gamma_norm", "units of gamma", "The norm of the layer's gamma.", FROM_0),
    real("weight_norm", "units of weight", "The norm of the weights that lead into it.", FROM_0),
)

DECLARED: dict[str, tuple[Column, ...]] = {
    "interventions": INTERVENTIONS,
    "readings": READINGS,
    "reading_layers": READING_LAYERS,
}
"""`interventions` lies in the run, the other two in its folder `lineages`."""

PANDA_SCHEMAS = {
    table: pa.schema([(column.name, column.type) for column in columns])
    for table, columns in DECLARED.items()
}

SNAPSHOTS = "snapshots"
STATES = "states"
"""In `lineages`: the state that each lineage began with."""

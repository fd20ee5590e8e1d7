"""What the size does to train and test loss: differences, losses themselves, trends."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.figures import fit
from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.columns import (
    FACET,
    LEFT_OUT,
    LEVEL,
    QUANTITY,
    READING,
    UNITS,
    ends,
    interval,
    other_data,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.wording import at_level, by_facet
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.draws import OF_THE_FIT
from caviar.analysis.tables import regularization
from caviar.analysis.tables.tuning import fields_of

UNIT = "nats; test_accuracy: share"
OVER_DRAWS = (
    "The {} end of the 95 % interval for other draws and other seeds (`low` and `high` are for the "
    "draws made); empty with fewer than 4 draws or 5 seeds."
)


def told(results: Results) -> pd.DataFrame:
    """The effects that are told: of the fit at one draw for all sizes, of the rest at each size's
    own."""
    effects, shared = results.reading("effect_of_size"), results["effect_at_shared_draw"]
    if shared.empty:
        return effects
    of_size = effects[~effects["quantity"].isin(OF_THE_FIT)]
    return pd.concat([of_size, shared[shared["quantity"].isin(OF_THE_FIT)]], ignore_index=True)


def _extremes(results: Results) -> list[str]:
    """For unpaired designs: the smallest size against the largest."""
    if results.design.paired:
        return []
    effects = results.reading("effect_of_size")
    return [
        f"{name}Test loss at {at_level(results, rows.iloc[0]['level'])} less that at "
        f"{at_level(results, results.design.reference)}: "
        f"{with_interval(rows.iloc[0], ' nats', signed=True)}, between different random trials."
        for name, rows in by_facet(effects[effects["quantity"] == "test_loss"])
    ]


def _lines(results: Results) -> list[fit.Line]:
    """One line per draw, the one that most sizes choose marked; or the means, if nothing is drawn
    or nothing is paired."""
    table = results.reading("tuning")
    if table.empty or not results.design.paired:
        return [fit.Line(results.reading("losses"), "", tuned=False)]
    chosen = results.comparison.chosen_draws["draw"]
    tuned = chosen.mode().iloc[0] if len(chosen) else None
    fields = fields_of(table)
    lines = []
    for _, rows in table.groupby(fields):
        draw = rows["draw"].iloc[0]
        words = ", ".join(f"{field} {number(rows[field].iloc[0])}" for field in fields)
        name = f"{words} (most sizes' choice)" if draw == tuned else words
        lines.append(fit.Line(rows, name, tuned=draw == tuned))
    return lines


EFFECT_OF_SIZE = Finding(
    name="effect_of_size",
    part="regularisation",
    compute=lambda results: regularization.effect_of_size(results.comparison),
    columns=(
        READING,
        QUANTITY,
        FACET,
        LEVEL,
        *interval(UNIT, "The quantity at this size less that at the largest size."),
        LEFT_OUT,
        Column("band_low", UNIT, "The lower end of the band that holds for all sizes together."),
        Column("band_high", UNIT, "The upper end of the band that holds for all sizes together."),
        Column("p_value", "probability", "p of sign flips over seeds, for this size alone."),
        Column("p_family", "probability", "The same, adjusted over all sizes (max-t)."),
        Column(
            "seeds_needed",
            "count",
            "Seeds that must agree for a p of 0.05; given where there are fewer.",
        ),
        Column("detectable", UNIT, "The difference found with 80 % power by this many seeds."),
        Column(
            "equivalent", "true or false", "Whether it is significantly smaller than the margin."
        ),
        Column("draws", "count", "Draws at which every seed is finite; empty for one draw."),
        Column("draws_low", UNIT, OVER_DRAWS.format("lower")),
        Column("draws_high", UNIT, OVER_DRAWS.format("upper")),
        Column(
            "moved",
            "text",
            "`rises` or `falls` where it exceeds the margin and the band excludes 0, `stays` where "
            "it is equivalent, else `undecided`; empty without a band.",
        ),
    ),
    title="What it does to train and test loss",
    says="Both losses are read under population statistics and shown as differences from the "
    "largest size. In the figure each size has the test loss of the learning rate that it chose on "
    "other seeds, and the train loss of the one rate that most sizes chose. Equivalent means that "
    "the difference is significantly smaller than 0.005 nats, a margin named beforehand. Intervals "
    'are for these examples; "What is not claimed" says how often they hold for others.',
    caption="Each bar is a 95 % interval for its own size; shaded bands hold for all sizes "
    "together.",
    alt="Train and test loss less those at the largest size, with 95 % intervals.",
    draw=lambda results: figures.effect_of_size(
        told(results), results.design.label, results.design.reference
    ),
    sentences=_extremes,
)

LOSSES = Finding(
    name="losses",
    part="regularisation",
    compute=lambda results: regularization.losses(results.comparison),
    columns=(
        READING,
        QUANTITY,
        FACET,
        LEVEL,
        *interval(UNIT, "The quantity at the last step, a mean over units."),
        LEFT_OUT,
        *other_data(UNIT),
    ),
    title="Test loss and accuracy, size by size",
    says="Test loss and accuracy at the end of training. Where several settings were drawn for "
    "every size, each has a line, and the lowest one shows what a size gives where they suit it.",
    more="The table has the means of all quantities over draws. Where seeds divide the same "
    "examples, low and high hold for these examples; other_low and other_high hold for other data "
    "of the same kind, and lie at least as far apart as they need to.",
    caption="A bold line is the draw that most sizes choose by validation loss. Bars are 95 % "
    "intervals over seeds.",
    alt="Test loss and test accuracy against size, one line per draw, the tuned one bold.",
    draw=lambda results: fit.losses_by_draw(_lines(results), results.design.label),
)

TRENDS = Finding(
    name="trends",
    part="regularisation",
    compute=lambda results: regularization.trends(results.comparison),
    columns=(
        READING,
        QUANTITY,
        FACET,
        Column("mean", f"{UNIT}; per doubling", "The slope on log2 of the size, mean over seeds."),
        *ends(f"{UNIT}; per doubling"),
        Column("p_value", "probability", "p of sign flips over seeds that the slope is zero."),
        UNITS,
        LEFT_OUT,
        Column("p_page", "probability", "p of Page's test that sizes order the values."),
    ),
    title="Trends over all sizes",
    says="The slope of each quantity per doubling of the size, one slope per seed, over all "
    "sizes but the largest, with which the others are compared. p_page is the p-value of Page's "
    "test that values rise or fall in the order of the sizes.",
)

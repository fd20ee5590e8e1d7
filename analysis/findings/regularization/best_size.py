"""The best size, and the draws behind it, under each reading."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.findings.columns import FACET, LEFT_OUT, LEVEL, READING, UNITS, edges
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.regularization.headline import headline, sentences
from caviar.analysis.tables import regularization
from caviar.analysis.tables.tuning import chosen_table


def _edges(results: Results) -> list[str]:
    """At which sizes besides those of the headline the best draw is at the edge of those drawn."""
    chosen: pd.DataFrame = results["chosen_draws"]
    if not results.comparison.chooses or chosen.empty:
        return []
    sentences = []
    told = {results.design.reference, *results.reading("best_size")["level"]}
    for name, rows in chosen[chosen["at_edge"]].groupby("field", sort=False):
        others = sorted(set(rows["level"]) - told)
        if others:
            sizes = f"{results.design.symbol} = {', '.join(f'{level:g}' for level in others)}"
            sentences.append(
                f"At {sizes} too, the best {str(name).replace('_', ' ')} was the lowest or highest "
                "tried, so a better one may lie outside."
            )
    return sentences


BEST_SIZE = Finding(
    name="best_size",
    part="regularisation",
    compute=lambda results: regularization.best_size(results.comparison),
    columns=(
        READING,
        FACET,
        Column("level", "examples", "The size with the lowest mean test loss."),
        Column("low", "examples", "The smallest size that may be the best, with 95 %."),
        Column("high", "examples", "The largest size that may be the best, with 95 %."),
        *edges("size"),
        UNITS,
        LEFT_OUT,
        Column("p_u_shape", "probability", "p of the test that test loss falls, then rises."),
        Column("excluded", "count", "Sizes at which a measurement is missing or not finite."),
    ),
    title="The best size",
    says="The size with the lowest test loss. The range contains the truly best size with "
    "95 % confidence; low_edge and high_edge say whether it reaches the smallest or largest size "
    "tried. p_u_shape is the p-value of the test that test loss falls before the best size and "
    "rises after it, corrected for having chosen the turning point.",
    sentences=sentences,
    headline=headline,
)

CHOSEN_DRAWS = Finding(
    name="chosen_draws",
    part="regularisation",
    compute=lambda results: chosen_table(results.comparison),
    columns=(
        FACET,
        LEVEL,
        Column("field", "text", "The drawn field."),
        Column("chosen", "that of the field", "The value of the draw that was chosen."),
        Column("lowest", "that of the field", "The lowest value drawn."),
        Column("highest", "that of the field", "The highest value drawn."),
        Column("at_edge", "true or false", "Whether the chosen value is one of these two."),
        Column("seeds", "count", "Seeds at which the draw is read: the others chose it."),
    ),
    title="Which draw is best for each arm",
    says="The best draw of an arm has the lowest validation loss over the first third of the "
    "seeds, and is read at the other seeds: a choice is never read where it was made. Arms that "
    "choose different draws differ in more than their size. Where the choice lies at the edge of "
    "what was drawn, a better value may lie outside.",
    sentences=_edges,
)

"""The best size, and the draws behind it, under each reading."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.findings.columns import FACET, LEFT_OUT, LEVEL, READING, UNITS, edges
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.wording import at_level, behind, opening
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.tables import regularization
from caviar.analysis.tables.tuning import chosen_table


def _sentences(results: Results) -> list[str]:
    sentences = _lowest(results, EVERY_DRAW, "Test loss")
    if results.comparison.chooses:
        at_best = "With each arm at its own best draw (by validation), test loss"
        sentences += _lowest(results, BEST_DRAW, at_best)
    return sentences


def _lowest(results: Results, reading: str, subject: str) -> list[str]:
    sentences = []
    effects = results.reading("effect_of_size", reading)
    for best in results.reading("best_size", reading).to_dict("records"):
        level = at_level(results, best["level"])
        says = f"{opening(best['facet'])}{subject} is lowest at {level}"
        if not pd.isna(best["low"]):
            alone = best["low"] == best["high"]
            ends = f"only {best['low']:g}" if alone else f"{best['low']:g} to {best['high']:g}"
            says += f" (95 % range: {ends})"
        if best["low_edge"] or best["high_edge"]:
            reaches = "is at" if pd.isna(best["low"]) else "reaches"
            says += f", which {reaches} the edge of the sizes tried, so the best may lie outside"
        if best["excluded"]:
            sizes = "size" if best["excluded"] == 1 else "sizes"
            says += f" ({best['excluded']} {sizes} left out because seeds diverged or are missing)"
        here = effects[(effects["facet"] == best["facet"]) & (effects["level"] == best["level"])]
        by = {row["quantity"]: row for row in here.to_dict("records")}
        if by:
            says += (
                f"; against {at_level(results, results.design.reference)}, test loss changes by "
                f"{with_interval(by['test_loss'], signed=True)} nats"
                f"{_scale(results, reading, best['facet'], by)}"
            )
        sentences.append(says + ".")
    return sentences


def _scale(results: Results, reading: str, facet: str, by: dict[str, Any]) -> str:
    """` (11 % of 0.111) and accuracy by +0.4 [0.2, 0.5] points`: how large the effect is."""
    table = results.reading("losses", reading)
    of_reference = (table["facet"] == facet) & (table["level"] == results.design.reference)
    loss = table.loc[of_reference & (table["quantity"] == "test_loss"), "mean"]
    share = abs(by["test_loss"]["mean"]) / loss.iloc[0] if len(loss) else float("nan")
    percent = f"{100 * share:.2g}" if share >= 0.001 else "less than 0.1"
    text = f" ({percent} % of {number(loss.iloc[0])})" if share < float("inf") else ""
    points = {name: 100 * by["test_accuracy"][name] for name in ("mean", "low", "high")}
    return f"{text} and accuracy by {with_interval(points, signed=True)} percentage points"


def _headline(results: Results) -> str:
    best, effects = results.reading("best_size"), results.reading("effect_of_size")
    if best.empty or best["facet"].nunique() > 1:
        return ""
    level = float(best["level"].iloc[0])
    rows = effects[effects["level"] == level].set_index("quantity")
    if rows.empty:
        return ""
    train, test = (rows.loc[quantity] for quantity in ("train_loss", "test_loss"))
    return (
        f"{at_level(results, level)} against {at_level(results, results.design.reference)}: "
        f"test loss {with_interval(test, signed=True)} nats, "
        f"train loss {with_interval(train, signed=True)} ({behind(results, int(test['units']))})."
    )


def _edges(results: Results) -> list[str]:
    """Whether the best draws reach the edge of what was drawn."""
    chosen, sentences = results.reading("chosen_draws"), []
    for name, rows in chosen.groupby("field", sort=False) if len(chosen) else ():
        edge, arms = int(rows["at_edge"].sum()), len(rows)
        if edge:
            how_many = f"all {arms}" if edge == arms else f"{edge} of {arms}"
            sentences.append(
                f"For {how_many} sizes the best {name} was the lowest or highest tried, so a "
                "better one may lie outside."
            )
    return sentences if results.comparison.chooses else []


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
    sentences=_sentences,
    headline=_headline,
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

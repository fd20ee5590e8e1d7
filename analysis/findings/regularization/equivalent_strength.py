"""How strong dropout, gamma decay and weight decay are as batch norm's noise."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.figures import decompositions
from caviar.analysis.findings.columns import LEVEL, READING, interval
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.wording import at_level
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.draws import EVERY_DRAW, SHARED_DRAW
from caviar.analysis.tables.equivalent_strength import equivalent_strength

NAMES = {
    "dropout": ("Dropout", "rate"),
    "gamma_decay": ("Gamma decay", "strength"),
    "weight_decay": ("Weight decay", "strength"),
}
WEIGHT_DECAY = (
    "Weight decay is no regulariser of the same kind: batch norm undoes the scale of the weights "
    "below it, so decaying them changes the effective learning rate and not the function (van "
    "Laarhoven 2017; Zhang et al. 2019). Its numbers hold at these learning rates, and only the "
    "weights of the output layer shrink in the usual sense."
)


def _told(results: Results) -> str:
    """Fits are compared at one draw for all arms, where one can be chosen."""
    return SHARED_DRAW if results.comparison.chooses else EVERY_DRAW


def _sentences(results: Results) -> list[str]:
    """Every regulariser against the size at which batch norm has its lowest test loss, by seeds
    that are not read."""
    table = results["equivalent_strength"]
    if table.empty:
        return []
    table = table[table["reading"] == _told(results)]
    sentences = []
    for name, rows in table[table["lowest"]].groupby("regulariser", sort=False):
        level = float(rows["level"].iloc[0])
        by = {str(row["quantity"]): row for row in rows.to_dict("records")}
        sentences.append(_against(str(name), by, f"batch norm at {at_level(results, level)}"))
    weight_decay = (table["regulariser"] == "weight_decay").any()
    return [*sentences, *([WEIGHT_DECAY] if weight_decay else [])]


def _against(name: str, by: dict[str, Any], place: str) -> str:
    """What a regulariser does at the train loss of batch norm, and at its best strength."""
    word, strength = NAMES[name]
    best = _at_best(word.lower(), strength, by["best_difference"], place)
    fits = by["same_train_loss"]
    seeds = int(fits["units"] + fits["outside"])
    if pd.isna(fits["low"]):
        which = "A" if fits["units"] else "No"
        few = f" in {fits['units']:g} of {seeds} seeds only" if fits["units"] else ""
        return (
            f"{which} {strength} of {word.lower()} that was tried reaches the train loss of "
            f"{place}{few}. {best}"
        )
    text = f"{word} reaches the train loss of {place} at a {strength} of {with_interval(fits)}"
    if fits["outside"]:
        text += f", in {fits['units']:g} of {seeds} seeds"
    if "predicted" in by:
        text += f"; equal noise variance predicts {number(by['predicted']['mean'])}"
    then = with_interval(by["difference"], signed=True)
    return f"{text}. Against that, batch norm changes test loss by {then} nats. {best}"


def _at_best(word: str, strength: str, best: dict[str, Any], place: str) -> str:
    """What batch norm gains over the best strength, and whether a larger one may be better."""
    difference = with_interval(best, " nats", signed=True)
    if best["best"] == 0:
        return (
            f"No {strength} of {word} that was tried lowers test loss; against none, {place} "
            f"changes it by {difference}."
        )
    text = f"Against {word} at its best {strength}, {number(best['best'])}, {place} changes test "
    text += f"loss by {difference}."
    if best["largest"]:
        text += f" That {strength} is the largest tried, so a larger one may be better."
    return text


EQUIVALENT_STRENGTH = Finding(
    name="equivalent_strength",
    part="regularisation",
    compute=lambda results: equivalent_strength(results.comparison),
    columns=(
        READING,
        Column("regulariser", "text", "The field whose strength is matched."),
        LEVEL,
        Column(
            "quantity",
            "text",
            "`same_train_loss`, `same_test_loss`: the strength with the loss of batch norm; "
            "`predicted`: the dropout rate with the variance of its noise; `difference`, "
            "`best_difference`: test loss of batch norm less that of the regulariser at the same "
            "train loss, and at its best strength.",
        ),
        *interval("strength; differences: nats"),
        Column("outside", "count", "Seeds whose loss no strength matches."),
        Column("best", "strength", "The best strength, chosen by the first third of the seeds."),
        Column("largest", "true or false", "Whether the best strength is the largest tried."),
        Column(
            "lowest",
            "true or false",
            "Whether batch norm has its lowest test loss at this size, by the first third of the "
            "seeds.",
        ),
    ),
    title="Explicit regularisers as strong as batch norm's noise",
    says="How much dropout, gamma decay or weight decay does what batch norm's noise at m does: "
    "networks that normalise by population statistics, and so have no noise, are trained with "
    "each over a range of strengths. Above: the strength that leaves the same train loss as batch "
    "norm, the smallest that leaves the same test loss, and for dropout the rate whose noise has "
    "the same variance. Below: test loss of batch norm less that of the regulariser, at the same "
    "train loss and at its best strength. Everything is read seed by seed; outside counts seeds "
    f"that no strength matches. {WEIGHT_DECAY}",
    caption="Where the lower panels are below zero, batch norm's noise regularises better.",
    alt="Strength with the same loss as batch norm, and test loss difference, by regulariser.",
    draw=lambda results: decompositions.equivalent_strength(
        results.reading("equivalent_strength", _told(results)), results.design.label
    ),
    sentences=_sentences,
)

"""Sentences about the parts of both answers: which mechanism, which repair, which decay."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.tables.specification_curve import SMALLEST, below_zero

WITHOUT = {
    "self-influence": "the example in its own statistics",
    "gradient path": "the gradient through the statistics",
    "partition diffusion": "gradient noise between partitions",
    "class composition": "noise between the classes of a ghost",
}


def of_question_1(results: Results) -> list[str]:
    """Mechanisms, self-influence, equivalent dropout and specifications, where it has them."""
    return [
        *_mechanisms(results),
        *_self_influence(results),
        *_dropout(results),
        *_specifications(results),
    ]


def of_question_2(results: Results, layer: str) -> list[str]:
    """Parts of the error of the mean in `layer`, repairs, and the best decay."""
    return [*_repairs(results), *_best_decay(results, layer)]


def _mechanisms(results: Results) -> list[str]:
    shares = results.reading("mechanism_shares")
    if shares.empty:
        return []
    shares = shares[shares["quantity"] == "test_loss"]
    whole = shares[(shares["mechanism"] == "whole") & shares["mean"].notna()]
    if whole.empty:
        return []
    level = float(whole.loc[whole["mean"].idxmin(), "level"])
    at = {row["mechanism"]: row for row in shares[shares["level"] == level].to_dict("records")}
    text = (
        f"At m = {level:g} batch norm changes test loss by "
        f"{with_interval(at['whole'], signed=True)} nats against population statistics at every "
        "step"
    )
    if "injected noise" in at:
        noise = with_interval(at["injected noise"], signed=True)
        text += f"; independent noise of the same size alone, by {noise}"
    sentences = [text + "."]
    parts = [
        f"{words} {with_interval(at[name], signed=True)}"
        for name, words in WITHOUT.items()
        if name in at
    ]
    if parts:
        sentences.append(f"Of that, what each mechanism adds: {'; '.join(parts)}.")
    return sentences


def _self_influence(results: Results) -> list[str]:
    sentences = []
    for facet, table in _facets(results.reading("penalty_split")):
        level = float(table["level"].max())
        at = {r["quantity"]: r for r in table[table["level"] == level].to_dict("records")}
        if not {"self_influence", "predicted_self_influence"} <= at.keys():
            continue
        sentences.append(
            f"{facet}Of that penalty at {_symbol(results)} = {level:g}, "
            f"{with_interval(at['self_influence'])} nats are self-influence, the example in its "
            "own statistics; one backward pass predicts "
            f"{with_interval(at['predicted_self_influence'])}."
        )
    return sentences


def _facets(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The table by facet, each with the words that open its sentences."""
    if table.empty:
        return []
    return [(f"{name}: " if name else "", rows) for name, rows in table.groupby("facet")]


def _symbol(results: Results) -> str:
    return results.design.symbol


def _dropout(results: Results) -> list[str]:
    table = results.reading("equivalent_dropout")
    if table.empty:
        return []
    sentences = []
    for level, rows in table.groupby("level"):
        by: dict[str, Any] = {row["quantity"]: row for row in rows.to_dict("records")}
        if pd.isna(by["measured_rate"]["low"]):
            continue
        predicted = with_interval(by["predicted_rate"])
        difference = with_interval(by["test_difference"], signed=True)
        sentences.append(
            f"Batch norm at m = {level:g} is as strong as dropout at a rate of "
            f"{with_interval(by['measured_rate'])} (the same train loss; equal variance predicts "
            f"{predicted}), and its test loss is {difference} nats from dropout's there."
        )
    return sentences


def _specifications(results: Results) -> list[str]:
    table = results.reading("specifications")
    if table.empty:
        return []
    counts = below_zero(table, SMALLEST)
    return [f"Test loss at the smallest size less that at the largest: {counts}."]


def _repairs(results: Results) -> list[str]:
    words = {"precise": "precise statistics", "evalnorm": "EvalNorm", "batch": "batch statistics"}
    sentences = []
    for facet, table in _facets(results.reading("repairs")):
        smallest = table["level"].min()
        at = {r["statistics"]: r for r in table[table["level"] == smallest].to_dict("records")}
        parts = [f"{w} {with_interval(at[k], signed=True)}" for k, w in words.items() if k in at]
        sentences.append(
            f"{facet}In place of population statistics at {_symbol(results)} = {smallest:g}: "
            f"{'; '.join(parts)} nats."
        )
    return sentences


def _best_decay(results: Results, layer: str) -> list[str]:
    table = results.reading("memory_scaling")
    rows = table[table["layer"] == layer] if len(table) else table
    sentences = []
    for row in rows.to_dict("records"):
        name = f"{row['facet']}: " if row["facet"] else ""
        sentences.append(
            f"{name}The memory 1/(1 - decay) of the best running mean in layer {layer} goes as m "
            f"to the power {with_interval(row)}; theory expects {number(row['predicted'])} where "
            "batches are independent and drift does not depend on m."
        )
    return sentences

"""The dropout rate that is as strong as batch norm's noise."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.figures import decompositions
from caviar.analysis.findings.columns import LEVEL, interval
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.number_format import with_interval
from caviar.analysis.tables.equivalent_dropout import equivalent_dropout


def _rates(results: Results) -> list[str]:
    sentences = []
    for level, rows in results.reading("equivalent_dropout").groupby("level"):
        by: dict[str, Any] = {row["quantity"]: row for row in rows.to_dict("records")}
        if pd.isna(by["measured_rate"]["low"]):
            continue
        predicted = with_interval(by["predicted_rate"])
        difference = with_interval(by["test_difference"], signed=True)
        sentences.append(
            f"Batch norm at m = {level:g} gives the same train loss as dropout at a rate of "
            f"{with_interval(by['measured_rate'])} (equal noise variance predicts {predicted}); "
            f"its test loss less that of dropout at this rate is {difference} nats."
        )
    return sentences


EQUIVALENT_DROPOUT = Finding(
    name="equivalent_dropout",
    part="regularisation",
    compute=lambda results: equivalent_dropout(results.comparison),
    columns=(
        LEVEL,
        Column("quantity", "text", "`measured_rate`, `predicted_rate` or `test_difference`."),
        *interval("share; test_difference: nats"),
        Column("outside", "count", "Seeds whose train loss no dropout rate matches."),
    ),
    title="Equivalent dropout",
    says="Left: the dropout rate on population statistics that leaves the same train loss as "
    "batch norm at m, measured seed by seed on the arms with dropout, and the predicted rate, "
    "whose noise has the same variance as that of batch norm. Right: test loss of batch norm "
    "less that of dropout at the measured rate. The column outside counts seeds that no rate "
    "matches.",
    caption="Where the right panel is below zero, batch norm's noise regularises better.",
    alt="Equivalent dropout rate measured and predicted, and test loss difference at it.",
    draw=lambda results: decompositions.equivalent_dropout(
        results.reading("equivalent_dropout"), results.design.label
    ),
    sentences=_rates,
)

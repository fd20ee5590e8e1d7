"""The price of noisy statistics at the same weights, and how it scales."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.columns import (
    FACET,
    LEFT_OUT,
    LEVEL,
    READING,
    UNITS,
    ends,
    interval,
    other_data,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.wording import by_facet, first_and_last, opening
from caviar.analysis.number_format import MINUS, with_interval
from caviar.analysis.tables import regularization
from caviar.analysis.tables.penalty_exponent import penalty_exponents


def _price(results: Results) -> list[str]:
    return [
        f"{name}At the same weights, the noise of batches raises train loss by "
        f"{first_and_last(results, rows, ' nats')}. This is the loss with each batch's own "
        "statistics (train mode) less that with those of the whole training split (population "
        "statistics, which all other losses are read with)."
        for name, rows in by_facet(results.reading("noise_penalty"))
    ]


def _exponents(results: Results) -> list[str]:
    table = results.reading("noise_penalty_exponent")
    sentences = []
    for row in table[table["range"] == "from 8"].to_dict("records"):
        if pd.isna(row["exponent"]):
            continue
        power = with_interval({**row, "mean": row["exponent"]}, beside=(1.0,))
        sentences.append(
            f"{opening(row['facet'])}This cost, the noise penalty, scales as "
            f"(1/m {MINUS} 1/N)^{power} from m = {row['smallest']:g} to {row['largest']:g}; theory "
            "expects an exponent of 1 for large m."
        )
    return sentences


NOISE_PENALTY = Finding(
    name="noise_penalty",
    part="regularisation",
    compute=lambda results: regularization.noise_penalty(results.comparison),
    columns=(
        READING,
        FACET,
        LEVEL,
        *interval("nats", "Train-mode loss less population loss, train split, at the last step."),
        LEFT_OUT,
        *other_data("nats"),
    ),
    title="The price of noisy statistics at the same weights",
    says="Train-mode loss less the loss of the same weights under population statistics, on "
    "the training split at the end of training. Batch noise adds this penalty to the objective, "
    "so training is driven to make it small. Each size is drawn at the learning rate (and other "
    "drawn fields) that it chose by validation loss on other seeds, which the table calls best "
    "draw; the rows of every draw average over all that were drawn.",
    caption="A line parallel to the dashed one is proportional to 1/m.",
    alt="Noise penalty against mini-batch size on logarithmic axes, with 95 % intervals.",
    draw=lambda results: figures.noise_penalty(
        results.reading("noise_penalty"), results.design.label, results.design.symbol
    ),
    sentences=_price,
)

NOISE_PENALTY_EXPONENT = Finding(
    name="noise_penalty_exponent",
    part="regularisation",
    compute=lambda results: penalty_exponents(results.comparison),
    columns=(
        READING,
        FACET,
        Column("range", "text", "`from 8`, `from 64`, or `between` two neighbouring sizes."),
        Column("exponent", "exponent", "The power of 1/m - 1/N that the penalty follows."),
        *ends("exponent"),
        Column("smallest", "examples", "The smallest size of the range."),
        Column("largest", "examples", "The largest size of the range."),
        UNITS,
        LEFT_OUT,
        Column("not_positive", "share", "The share of the fitted penalties at zero or below."),
    ),
    title="How the penalty scales",
    says="Exponents of the penalty in 1/m - 1/N, which is zero when the batch is the whole "
    "training split: over all sizes from 8; over the sizes from 64, where theory expects 1; and "
    "between neighbouring sizes, where a power law has equal exponents. Seeds are averaged "
    "before the logarithm.",
    sentences=_exponents,
)

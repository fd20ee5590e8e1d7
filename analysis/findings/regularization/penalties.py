"""The noise penalty at other sizes and in its parts, and the gradient noise beside it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.figures import decompositions
from caviar.analysis.findings.columns import (
    FACET,
    LEFT_OUT,
    LEVEL,
    PROBED,
    QUANTITY,
    READING,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.wording import at_level, by_facet
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.tables import batch_noise as noise

PRECISION = (
    Column("partitions", "count", "Partitions that one network's penalties are averages over."),
    Column(
        "standard_error",
        "nats",
        "Standard error over partitions of one network's self-influence; empty with one partition.",
    ),
)
TRAINED = Column("level", "examples", "The size of the batches that the network trained with.")


def _self_influence(results: Results) -> list[str]:
    """Measured at the smallest size, and at which sizes the prediction lies in the interval.

    Every size is in one of both lists: none is left out because it fits worse.
    """
    sentences = []
    for facet, table in by_facet(results.reading("penalty_split")):
        rows = table.set_index(["quantity", "level"]).to_dict("index")
        sizes = [m for m in table["level"].unique() if ("self_influence", m) in rows]
        if not sizes or ("predicted_self_influence", sizes[0]) not in rows:
            continue
        sentences.append(
            f"{facet}Self-influence, the effect of an example on its own statistics, adds "
            f"{with_interval(rows['self_influence', sizes[0]], ' nats')} to the noise penalty at "
            f"{at_level(results, sizes[0])}; one backward pass predicts "
            f"{number(rows['predicted_self_influence', sizes[0]]['mean'])}."
        )
        sentences.append(f"{facet}{_held(results, sizes, rows)}")
    return [sentence for sentence in sentences if sentence]


def _held(results: Results, sizes: list[float], rows: dict[Any, dict[str, Any]]) -> str:
    """At which sizes the measured interval holds the prediction, and at which it does not."""
    inside: list[str] = []
    outside: list[str] = []
    for m in sizes:
        measured = rows["self_influence", m]
        if not pd.isna(measured["low"]):
            predicted = rows["predicted_self_influence", m]["mean"]
            within = measured["low"] <= predicted <= measured["high"]
            (inside if within else outside).append(f"{m:g}")
    symbol, interval = results.design.symbol, "the measured interval"
    parts = []
    for word, listed in (("inside", inside), ("outside", outside)):
        if listed:
            parts.append(f"{word} {interval} at {symbol} = {', '.join(listed)}")
            interval = "it"
    return f"The prediction lies {' and '.join(parts)}." if parts else ""


PENALTIES = Finding(
    name="penalties",
    part="regularisation",
    compute=lambda results: noise.penalties(results.comparison),
    columns=(READING, QUANTITY, FACET, PROBED, TRAINED, *interval("nats"), LEFT_OUT, *PRECISION),
    title="A network adapts to the size of its batches",
    says="The noise penalty R_in of each network at every size of the evaluated batch, by "
    "the size that it was trained with. The table also has R_ext, the same penalty with the "
    "statistics of as many other examples.",
    caption="Down a column the penalty falls with the size at evaluation; along a row, "
    "training with small batches makes a network less sensitive to them. ± is half the width "
    "of the 95 % interval; its ends are in the table.",
    alt="Map of the noise penalty by size at evaluation and size at training.",
    draw=lambda results: decompositions.penalty_matrix(
        results.reading("penalties"), results.design.label
    ),
)

PENALTY_SPLIT = Finding(
    name="penalty_split",
    part="regularisation",
    compute=lambda results: noise.at_own_size(results["penalties"]),
    columns=(READING, QUANTITY, FACET, PROBED, TRAINED, *interval("nats"), LEFT_OUT, *PRECISION),
    title="Noise and self-influence",
    says="The penalty at the size that the network was trained with. R_ext leaves the example "
    "out of its own statistics; the difference is self-influence, which one backward pass "
    "predicts to first order in 1/m. In networks with several batch norms the prediction ignores "
    "how an example changes deeper statistics through the layers below. Each network's penalties "
    "are averages over partitions of the same examples into batches, made until the standard error "
    "of self-influence, judged from four partitions on, is a tenth of its size, there are ten, or "
    "those beyond the first have cost a tenth of the training's time. The table says how many "
    "there are, and the standard error.",
    caption="Where the two self-influence lines meet, the first order is sufficient. The axis is "
    "linear near zero: self-influence is negative where R_ext is above R_in. Bars are 95 % "
    "intervals.",
    alt="R_in, R_ext and self-influence, measured and predicted, against size.",
    draw=lambda results: decompositions.penalty_split(
        results.reading("penalty_split"), results.design.label
    ),
    sentences=_self_influence,
)

GRADIENT_NOISE = Finding(
    name="gradient_noise",
    part="regularisation",
    compute=lambda results: noise.gradient_noise(results.comparison),
    columns=(
        READING,
        FACET,
        LEVEL,
        *interval(
            "share",
            "The share of the gradient's variance that lies between partitions.",
            "0 to 1; beyond it by noise of the measurement",
        ),
        LEFT_OUT,
    ),
    title="Ghosts also make gradient noise",
    says="The same batch divided into other ghosts gives another gradient. Shown is the share "
    "of the gradient's variance, over batches and partitions, that lies between partitions.",
    caption="Near one, the division into ghosts matters more to a step than the choice of "
    "examples.",
    alt="Share of gradient variance between partitions against size.",
    draw=lambda results: decompositions.gradient_noise(
        results.reading("gradient_noise"), results.design.label
    ),
)

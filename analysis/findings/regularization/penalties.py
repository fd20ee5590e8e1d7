"""The noise penalty at other sizes and in its parts, and the gradient noise beside it."""

from __future__ import annotations

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
from caviar.analysis.number_format import with_interval
from caviar.analysis.tables import batch_noise as noise

TRAINED = Column("level", "examples", "The size of the batches that the network trained with.")


def _self_influence(results: Results) -> list[str]:
    sentences = []
    for facet, table in by_facet(results.reading("penalty_split")):
        level = float(table["level"].max())
        by = {r["quantity"]: r for r in table[table["level"] == level].to_dict("records")}
        if not {"self_influence", "predicted_self_influence"} <= by.keys():
            continue
        sentences.append(
            f"{facet}Of that penalty at {at_level(results, level)}, "
            f"{with_interval(by['self_influence'])} nats are self-influence, the example in its "
            "own statistics; one backward pass predicts "
            f"{with_interval(by['predicted_self_influence'])}."
        )
    return sentences


PENALTIES = Finding(
    name="penalties",
    part="regularisation",
    compute=lambda results: noise.penalties(results.comparison),
    columns=(READING, QUANTITY, FACET, PROBED, TRAINED, *interval("nats"), LEFT_OUT),
    title="A network gets used to its own batches",
    says="The noise penalty R_in of each network at every size of the evaluated batch, by "
    "the size it was trained with, and the same with the statistics of as many other "
    "examples, R_ext.",
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
    columns=(READING, QUANTITY, FACET, PROBED, TRAINED, *interval("nats"), LEFT_OUT),
    title="Noise and self-influence",
    says="The penalty at the size trained with. R_ext leaves the example out of its own "
    "statistics; the difference is self-influence, which one backward pass predicts to first "
    "order in 1/m. In networks of several batch norms the prediction leaves out what an "
    "example does to deeper statistics through the layers below.",
    caption="Where the two self-influence lines meet, the first order is enough. The axis is "
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
        *interval("share", "Of the gradient's variance, what lies between partitions."),
        LEFT_OUT,
    ),
    title="Ghosts also make gradient noise",
    says="The same batch cut into other ghosts gives another gradient: the share of the "
    "gradient's variance, over batches and partitions, that lies between partitions.",
    caption="Near one, who shares a ghost matters more to a step than which examples it sees.",
    alt="Share of gradient variance between partitions against size.",
    draw=lambda results: decompositions.gradient_noise(
        results.reading("gradient_noise"), results.design.label
    ),
)

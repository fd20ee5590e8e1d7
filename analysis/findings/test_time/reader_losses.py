"""Test loss by what normalises the test set."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures import readers as figures
from caviar.analysis.findings.columns import (
    FACET,
    LEFT_OUT,
    LEVEL,
    READING,
    RULE,
    TRACKER_DECAY,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.test_time.trackers import usual_tracker
from caviar.analysis.tables.plotted.reader_losses import reader_losses

NAMES = {
    "population": "population statistics",
    "precise": "precise statistics",
    "evalnorm": "EvalNorm",
    "batch": "the test batch's own",
    "own": "the norm's own averages",
}
FRAMEWORKS = {"unbiased": "PyTorch's average", "biased": "Keras's average"}
"""What a framework stores: the variance divided by m - 1, or by m."""


def _draw(results: Results) -> Figure:
    """Statistics without an average, and what frameworks store at the study's own decay."""
    table = results.reading("reader_losses")
    running = table[table["statistics"] == "running"]
    decay = usual_tracker(results, running)["tracker_decay"].iloc[0]
    same = running["tracker_decay"].isna() if pd.isna(decay) else running["tracker_decay"] == decay
    rule = running["rule"].str.removesuffix(", drawn decay")
    kept = running[same & rule.isin(FRAMEWORKS)]
    if kept.empty:
        kept = usual_tracker(results, running)
    of_decay = "" if pd.isna(decay) else f", decay {decay:g}"
    named = kept.assign(rule=rule, name=rule.map(lambda r: f"{FRAMEWORKS.get(r, r)}{of_decay}"))
    others = table[table["statistics"] != "running"]
    others = others.assign(name=others["statistics"].map(lambda kind: NAMES.get(kind, kind)))
    order = sorted(others.index, key=lambda i: list(NAMES).index(others["statistics"][i]))
    return figures.reader_losses(pd.concat([others.loc[order], named]), results.design.label)


READER_LOSSES = Finding(
    name="reader_losses",
    part="test time",
    compute=lambda results: reader_losses(results.comparison),
    columns=(
        READING,
        FACET,
        LEVEL,
        Column("reader", "text", "What normalises the test set."),
        Column("statistics", "text", "Kind of statistics; `running` for running averages."),
        RULE,
        TRACKER_DECAY,
        *interval("nats", "Test loss under this reader."),
        LEFT_OUT,
    ),
    title="Test loss by what normalises the test set",
    says="The same trained networks, read with statistics of the whole training set (population, "
    "layer by layer; precise, averaged at the end), with the running averages that PyTorch and "
    "Keras keep, and with those of the test batch itself.",
    caption="Bars are 95 % intervals over seeds. Readers that coincide share a line.",
    alt="Test loss against size, one line per kind of statistics that normalises the test set.",
    draw=_draw,
)

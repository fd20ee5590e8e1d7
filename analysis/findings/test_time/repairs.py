"""What repairs test-time statistics: other statistics, and the best decay."""

from __future__ import annotations

from matplotlib.figure import Figure

from caviar.analysis.figures import decompositions
from caviar.analysis.findings.columns import (
    FACET,
    LAYER,
    LEFT_OUT,
    LEVEL,
    READING,
    UNITS,
    edges,
    ends,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.test_time.trackers import tracker_name, usual_errors, usual_tracker
from caviar.analysis.findings.wording import opening
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.tables import running_statistics as test_time
from caviar.analysis.tables.best_decay import best_decay, memory_scaling


def _beside_running(results: Results) -> Figure:
    usual = usual_tracker(results, results.reading("running_damage"))
    name = tracker_name(usual.iloc[0])
    return decompositions.repairs(results.reading("repairs"), usual, results.design.label, name)


def _memory(results: Results) -> list[str]:
    table = results.reading("memory_scaling")
    if table.empty:
        return []
    layer = usual_errors(results)["layer"].iloc[0]
    return [
        f"{opening(row['facet'])}The memory 1/(1 - decay) of the best running mean in layer "
        f"{layer} scales as m^{with_interval(row, beside=(row['predicted'],))}; theory expects an "
        f"exponent of {number(row['predicted'])} where batches are independent and drift does not "
        "depend on m."
        for row in table[table["layer"] == layer].to_dict("records")
    ]


REPAIRS = Finding(
    name="repairs",
    part="test time",
    compute=lambda results: test_time.repairs(results.comparison),
    columns=(
        READING,
        FACET,
        Column("statistics", "text", "`batch`, `precise` or `evalnorm`: what normalises."),
        LEVEL,
        *interval("nats", "Test loss under these statistics less that of the population's."),
        LEFT_OUT,
    ),
    title="What repairs it",
    says="Test loss of the same weights under other statistics, less that under population "
    "statistics: those of the evaluated batch; precise statistics, the mean over an epoch of "
    "batch statistics at the final weights (Wu & Johnson 2021); EvalNorm, the expected batch "
    "statistics given the evaluated example (Singh & Shrivastava 2019).",
    caption="Below zero, the network does better with these statistics than with the population's.",
    alt="Test loss under batch, precise and EvalNorm statistics less population loss.",
    draw=_beside_running,
)

BEST_DECAY = Finding(
    name="best_decay",
    part="test time",
    compute=lambda results: best_decay(results.comparison),
    columns=(
        FACET,
        LAYER,
        LEVEL,
        Column("decay", "share", "The decay with the smallest squared error of the mean."),
        Column("low", "share", "The smallest decay that may be the best, with 95 %."),
        Column("high", "share", "The largest decay that may be the best, with 95 %."),
        Column("memory", "updates", "1/(1 - decay), the memory of the best decay."),
        *edges("decay"),
        UNITS,
        LEFT_OUT,
    ),
    title="The best decay",
    says="The decay of the rule unbiased with the smallest squared error of the running mean, "
    "and the range that contains the best of those tried with 95 % confidence. A first layer on "
    "centred inputs has a mean of zero whatever its weights, so its mean cannot be stale and the "
    "longest memory wins.",
    caption="Dashed: a memory proportional to m^(-1/3), which theory expects where weights drift "
    "at a constant rate.",
    alt="Best memory of the running average against size, by layer.",
    draw=lambda results: decompositions.best_decay(
        results.reading("best_decay"), results.design.label
    ),
)

MEMORY_SCALING = Finding(
    name="memory_scaling",
    part="test time",
    compute=lambda results: memory_scaling(results.comparison),
    columns=(
        FACET,
        LAYER,
        Column("mean", "exponent", "The slope of log memory on log m, a mean over seeds."),
        *ends("exponent"),
        Column("p_value", "probability", "p of sign flips over seeds that the slope is zero."),
        UNITS,
        LEFT_OUT,
        Column("predicted", "exponent", "Theory's slope, -1/3."),
    ),
    title="How the best memory scales",
    says="The slope of log memory on log m of each seed's own best decay. Theory's -1/3 is for "
    "independent batches and a drift that does not depend on m.",
    sentences=_memory,
)

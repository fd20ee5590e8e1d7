"""The causes of a running average's error: sampling, staleness, propagation."""

from __future__ import annotations

from caviar.analysis.figures import decompositions
from caviar.analysis.findings.columns import (
    FACET,
    LAYER,
    LEFT_OUT,
    LEVEL,
    PART,
    QUANTITY,
    READING,
    RULE,
    TRACKER_DECAY,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.findings.test_time.trackers import usual_tracker
from caviar.analysis.tables import running_error_parts as tables

UNIT = "deviations; variance: log ratio"
PREDICTED = Column(
    "predicted", UNIT, "Theory's sampling error of the running mean; empty where it is not known."
)

ERROR_PARTS = Finding(
    name="error_parts",
    part="test time",
    compute=lambda results: tables.error_parts(results.comparison),
    columns=(
        READING,
        QUANTITY,
        PART,
        FACET,
        LAYER,
        RULE,
        TRACKER_DECAY,
        LEVEL,
        *interval(UNIT),
        LEFT_OUT,
        PREDICTED,
    ),
    title="What causes the error",
    says="The error of one running average, split exactly into three parts. Sampling: it rests "
    "on too few examples. Staleness: the weights have moved since. Propagation: the expected "
    "batch statistics at these weights less the population's, which is the rule's bias and, in "
    "deeper layers, the effect of batch norm below on the input.",
    caption="Parts that are zero by construction are not drawn.",
    alt="Sampling, staleness and propagation error against size, by layer.",
    draw=lambda results: decompositions.error_parts(
        usual_tracker(results, results.reading("error_parts")), results.design.label
    ),
)

ERROR_PARTS_OVER_DECAY = Finding(
    name="error_parts_over_decay",
    part="test time",
    compute=lambda results: tables.of_one_size(results["error_parts"]),
    columns=(
        *ERROR_PARTS.columns,
        Column("memory", "updates", "1/(1 - decay), the memory of the running average."),
    ),
    title="The same against the memory of the average",
    says="The parts of the mean's error in the last layer at one size, by the memory "
    "1/(1 - decay) of the rule unbiased: a longer memory holds more samples and is staler.",
    caption="The best memory lies where sampling and staleness cross.",
    alt="Sampling, staleness and propagation error against the memory of the average.",
    draw=lambda results: decompositions.error_parts_over_decay(
        results.reading("error_parts_over_decay")
    ),
)

ERROR_PARTS_OVER_TIME = Finding(
    name="error_parts_over_time",
    part="test time",
    compute=lambda results: tables.error_parts_over_time(results.comparison),
    columns=(
        QUANTITY,
        PART,
        FACET,
        Column("step", "updates", "The step of training at which it was measured."),
        LAYER,
        LEVEL,
        *interval(UNIT),
        LEFT_OUT,
    ),
    title="The same during training",
    says="The parts of the mean's error of the rule unbiased at the study's own decay, at "
    "every measured step, for the smallest, a middle and the largest size.",
    caption="Staleness follows how fast the weights move; sampling does not.",
    alt="Sampling, staleness and propagation error against the training step.",
    draw=lambda results: decompositions.error_parts_over_time(
        results.reading("error_parts_over_time")
    ),
)

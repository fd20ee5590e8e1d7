"""The parts of the page about question 2, test-time statistics."""

from __future__ import annotations

from matplotlib.figure import Figure

from caviar.analysis.figures import decompositions
from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import tracker_name, usual_tracker
from caviar.analysis.report.section import Section, label


def _repairs(results: Results) -> Figure:
    usual = usual_tracker(results, results.reading("running_damage"))
    name = tracker_name(usual.iloc[0])
    return decompositions.repairs(results.reading("repairs"), usual, label(results), name)


SECTIONS = (
    Section(
        key="statistics_error",
        title="2. How far running statistics are from the population's",
        says="Root mean square over features of the running mean's error in population "
        "deviations, and of the log ratio of variances, at the end of training.",
        caption="Lower is better; every tracker watched the same training. Bars, or ± half their "
        "width, are 95 % intervals; of a map too dense for numbers they are in the table.",
        alt="Error of running mean and variance against mini-batch size for every tracker.",
        draw=lambda f: figures.statistics_error(f.reading("statistics_error"), label(f)),
    ),
    Section(
        key="running_damage",
        title="2. What that costs at test time",
        says="Test loss under each running average less that under population statistics, at the "
        "same weights.",
        caption="Above zero, reading the test set with running statistics costs loss. Bars, or ± "
        "half their width, are 95 % intervals; of a map too dense for numbers they are in the "
        "table.",
        alt="Test loss under running less population statistics for every tracker.",
        draw=lambda f: figures.running_damage(f.reading("running_damage"), label(f)),
    ),
    Section(
        key="error_parts",
        title="2. Whose fault the error is",
        says="The error of one running average taken apart, exactly. Sampling: too few examples "
        "behind it. Staleness: weights have moved since. Propagation: what batch statistics are "
        "expected to be at these weights less the population's, which is the rule's bias and, "
        "in deeper layers, what batch norm below does to the input.",
        caption="Parts that are zero by construction are not drawn.",
        alt="Sampling, staleness and propagation error against size, by layer.",
        draw=lambda f: decompositions.error_parts(
            usual_tracker(f, f.reading("error_parts")), label(f)
        ),
    ),
    Section(
        key="error_parts_over_decay",
        title="2. The same against the memory of the average",
        says="The parts of the mean's error in the last layer at one size, by the memory "
        "1/(1 - decay) of the rule unbiased: a longer memory takes more samples and is staler.",
        caption="Where sampling and staleness cross lies the best memory.",
        alt="Sampling, staleness and propagation error against the memory of the average.",
        draw=lambda f: decompositions.error_parts_over_decay(f.reading("error_parts_over_decay")),
    ),
    Section(
        key="error_parts_over_time",
        title="2. The same during training",
        says="The parts of the mean's error of the rule unbiased at the study's own decay, at "
        "every measured step, for the smallest, a middle and the largest size.",
        caption="Staleness follows how fast the weights move; sampling does not.",
        alt="Sampling, staleness and propagation error against the training step.",
        draw=lambda f: decompositions.error_parts_over_time(f.reading("error_parts_over_time")),
    ),
    Section(
        key="repairs",
        title="2. What repairs it",
        says="Test loss of the same weights under other statistics, less that under population "
        "statistics: the evaluated batch's own; precise, the mean over an epoch of batch "
        "statistics at the final weights (Wu & Johnson 2021); EvalNorm, the expected batch "
        "statistics given the evaluated example (Singh & Shrivastava 2019).",
        caption="Below zero, the statistics suit the network better than the population's own.",
        alt="Test loss under batch, precise and EvalNorm statistics less population loss.",
        draw=_repairs,
    ),
    Section(
        key="best_decay",
        title="2. The best decay",
        says="The decay with the smallest squared error of the running mean, of the rule unbiased, "
        "with the range that holds the best of those tried with 95 %. A first layer on centred "
        "inputs has a mean of zero whatever its weights, so nothing there can be stale and the "
        "longest memory wins.",
        caption="Dashed: memory as the power -1/3 of the size, which theory expects where weights "
        "drift at a constant rate.",
        alt="Best memory of the running average against size, by layer.",
        draw=lambda f: decompositions.best_decay(f.reading("best_decay"), label(f)),
    ),
    Section(
        key="memory_scaling",
        title="2. How the best memory scales",
        says="The slope of log memory on log m of each seed's own best decay. Theory's -1/3 is for "
        "independent batches and a drift that does not depend on m.",
    ),
)

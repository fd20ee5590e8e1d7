"""The parts of the page: which tables and pictures, in which order, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from analysis import decompositions, figures
from analysis.answer import tracker_name, usual_errors, usual_tracker
from analysis.findings import Findings

NOT_CLAIMED = (
    "Intervals are for one contrast each; they are not widened for the number of sizes compared, "
    "nor for picking the best one.",
    "One data set, and only the architectures listed below: others may move the best size.",
    "Test-time statistics are read at the last step. Where that is the end of an epoch, averages "
    "over shuffled batches are at their best; within one they are worse.",
)
GHOSTS = (
    "Ghost batches change the noise of the gradient as well as that of the statistics, so a "
    "difference between sizes is not the work of the statistics' noise alone."
)
UPDATES = (
    "The batch of an update differs between arms: with it the noise of the gradient, the best "
    "learning rate and, at equal epochs, the number of steps."
)


def not_claimed(found: Findings) -> tuple[str, ...]:
    """What a reader might take from the page and must not."""
    if found.design is None:
        return NOT_CLAIMED
    updates = found.run.trials["batch_size"].nunique() > 1
    return (*NOT_CLAIMED, UPDATES if updates else GHOSTS)


IMPORTS = (
    "from analysis import design_of, findings, mechanisms, noise, read_run\n"
    "from analysis import regularization, scorecard, test_time\n\n"
)


@dataclass(frozen=True)
class Section:
    """A part of the page: a table by name, perhaps a figure of it, and what to see there."""

    key: str
    title: str
    says: str
    caption: str = ""
    alt: str = ""
    code: str = ""
    draw: Callable[[Findings], Figure] | None = None


def _all(found: Findings, name: str) -> pd.DataFrame:
    return found.tables[name]


def _label(found: Findings) -> str:
    assert found.design is not None
    return found.design.label


def _symbol(found: Findings) -> str:
    assert found.design is not None
    return found.design.symbol


def _reference(found: Findings) -> float:
    assert found.design is not None
    return found.design.reference


def _overview(found: Findings) -> Figure:
    assert found.design is not None
    return figures.overview(
        found.table("noise_penalty"),
        found.table("effect_of_size"),
        usual_errors(found),
        found.design.label,
        found.design.reference,
    )


def _repairs(found: Findings) -> Figure:
    usual = usual_tracker(found, found.table("running_damage"))
    name = tracker_name(usual.iloc[0])
    return decompositions.repairs(found.table("repairs"), usual, _label(found), name)


SECTIONS = (
    Section(
        key="overview",
        title="Both answers at a glance",
        says="Left: what batch noise adds to the training loss at the same weights. Middle: what "
        "the size does to test loss. Right: how far the running statistics that test time uses "
        "are from those of the whole training set.",
        caption="Bars are 95 % intervals.",
        alt="Three panels against mini-batch size: noise penalty, test loss difference, error of "
        "running mean and variance.",
        draw=_overview,
    ),
    Section(
        key="noise_penalty",
        title="1a. The price of noisy statistics at the same weights",
        says="Train-mode loss less the loss of the very same weights under population "
        "statistics, on the training split at the end of training. It is what batch noise "
        "adds to the objective, and so what training is pushed to make small. Every draw: all "
        "arms share the draws. Best draw: each arm at its own.",
        caption="A line falling along the dashed one is proportional to 1/m.",
        alt="Noise penalty against mini-batch size on logarithmic axes, with 95 % intervals.",
        code="regularization.noise_penalty(run, design_of(run))",
        draw=lambda f: figures.noise_penalty(_all(f, "noise_penalty"), _label(f), _symbol(f)),
    ),
    Section(
        key="effect_of_size",
        title="1b. What it does to train and test loss",
        says="Both under population statistics, as differences from the largest size. Only "
        "train loss above zero together with test loss below zero is called regularisation.",
        caption="Bars are 95 % intervals; where they miss zero, the size surely matters.",
        alt="Train and test loss less those at the largest size, with 95 % intervals.",
        code="regularization.effect_of_size(run, design_of(run))",
        draw=lambda f: figures.effect_of_size(_all(f, "effect_of_size"), _label(f), _reference(f)),
    ),
    Section(
        key="losses",
        title="1c. The losses themselves",
        says="Means over units of train loss, test loss and test accuracy at the end of training.",
        code="regularization.losses(run, design_of(run))",
    ),
    Section(
        key="chosen_draws",
        title="1d. Which draw is best for each arm",
        says="The best draw of an arm has the lowest validation loss over the other seeds. "
        "Arms that choose different draws differ in more than their size; a choice at the edge "
        "of what was drawn may not be the best there is.",
        code="findings.chosen_table(run, design_of(run))",
    ),
    Section(
        key="arm_effects",
        title="1e. Which mechanism does it",
        says="Every arm takes one part of batch norm away (studies/mechanisms.toml says which). "
        "Losses under population statistics at the end of training, less those of the arm that "
        "normalises by the whole training split at every step, paired by seed.",
        caption="An arm like batch norm's own row lacks nothing that matters; one near zero "
        "lacks all of it. Bold: the 95 % interval misses zero. Colours end at 1 nat.",
        alt="Train and test loss of every control arm less those of population statistics.",
        code="mechanisms.arm_effects(whole, design_of(run))",
        draw=lambda f: decompositions.arm_effects(f.table("arm_effects"), _label(f)),
    ),
    Section(
        key="penalties",
        title="1f. A network gets used to its own batches",
        says="The noise penalty R_in of each network at every size of the evaluated batch, by "
        "the size it was trained with, and the same with the statistics of as many other "
        "examples, R_ext.",
        caption="Down a column the penalty falls with the size at evaluation; along a row, "
        "training with small batches makes a network less sensitive to them.",
        alt="Map of the noise penalty by size at evaluation and size at training.",
        code="noise.penalties(run, design_of(run))",
        draw=lambda f: decompositions.penalty_matrix(f.table("penalties"), _label(f)),
    ),
    Section(
        key="penalty_split",
        title="1g. Noise and self-influence",
        says="The penalty at the size trained with. R_ext leaves the example out of its own "
        "statistics; the difference is self-influence, which one backward pass predicts to first "
        "order in 1/m. In networks of several batch norms the prediction leaves out what an "
        "example does to deeper statistics through the layers below.",
        caption="Where the two self-influence lines meet, the first order is enough.",
        alt="R_in, R_ext and self-influence, measured and predicted, against size.",
        code="noise.at_own_size(noise.penalties(run, design_of(run)))",
        draw=lambda f: decompositions.penalty_split(f.table("penalty_split"), _label(f)),
    ),
    Section(
        key="gradient_noise",
        title="1h. Ghosts also make gradient noise",
        says="The same batch cut into other ghosts gives another gradient: the share of the "
        "gradient's variance, over batches and partitions, that lies between partitions.",
        caption="Near one, who shares a ghost matters more to a step than which examples it sees.",
        alt="Share of gradient variance between partitions against size.",
        code="noise.gradient_noise(run, design_of(run))",
        draw=lambda f: decompositions.gradient_noise(f.table("gradient_noise"), _label(f)),
    ),
    Section(
        key="statistics_error",
        title="2a. How far running statistics are from the population's",
        says="Root mean square over features of the running mean's error in population "
        "deviations, and of the log ratio of variances, at the end of training.",
        caption="Lower is better; every tracker watched the same training.",
        alt="Error of running mean and variance against mini-batch size for every tracker.",
        code="test_time.statistics_error(run, design_of(run))",
        draw=lambda f: figures.statistics_error(f.table("statistics_error"), _label(f)),
    ),
    Section(
        key="running_damage",
        title="2b. What that costs at test time",
        says="Test loss under each running average less that under population statistics, at the "
        "same weights.",
        caption="Above zero, reading the test set with running statistics costs loss.",
        alt="Test loss under running less population statistics for every tracker.",
        code="test_time.running_damage(run, design_of(run))",
        draw=lambda f: figures.running_damage(f.table("running_damage"), _label(f)),
    ),
    Section(
        key="error_parts",
        title="2c. Whose fault the error is",
        says="The error of one running average taken apart, exactly. Sampling: too few examples "
        "behind it. Staleness: weights have moved since. Propagation: what batch statistics are "
        "expected to be at these weights less the population's, which is the rule's bias and, "
        "in deeper layers, what batch norm below does to the input.",
        caption="Parts that are zero by construction are not drawn.",
        alt="Sampling, staleness and propagation error against size, by layer.",
        code="test_time.error_parts(run, design_of(run))",
        draw=lambda f: decompositions.error_parts(
            usual_tracker(f, f.table("error_parts")), _label(f)
        ),
    ),
    Section(
        key="repairs",
        title="2d. What repairs it",
        says="Test loss of the same weights under other statistics, less that under population "
        "statistics: the evaluated batch's own; precise, the mean over an epoch of batch "
        "statistics at the final weights (Wu & Johnson 2021); EvalNorm, the expected batch "
        "statistics given the evaluated example (Singh & Shrivastava 2019).",
        caption="Below zero, the statistics suit the network better than the population's own.",
        alt="Test loss under batch, precise and EvalNorm statistics less population loss.",
        code="test_time.repairs(run, design_of(run))",
        draw=_repairs,
    ),
    Section(
        key="batch_noise",
        title="Theory against measurement: the noise of batch statistics",
        says="At the final weights, predicted without any fit. Variance of the batch mean and of "
        "the batch standard deviation in units of the population variance, "
        "(N - m)/(N - 1)/m and (excess kurtosis + 2)/(4m) (N - m)/(N - 1); the variance of one "
        "example's normalised value over its batches, (1 + (excess kurtosis + 2)/4)/m; the share "
        "of the Jacobian's energy between examples, [2 - (6 + excess kurtosis)/m]/(m - 2). The "
        "last three are leading orders in 1/m.",
        caption="Points on the line agree with theory.",
        alt="Measured against predicted noise of batch statistics, four panels.",
        code="noise.batch_noise(run, design_of(run))",
        draw=lambda f: figures.batch_noise(_all(f, "batch_noise")),
    ),
    Section(
        key="scorecard",
        title="The literature's claims, and what this run says of them",
        says="A claim is confirmed where the interval of its quantity lies inside the region that "
        "it names at every place measured, refuted where it lies outside at one (interval widened "
        "for their number), else inconclusive. The row shows the place that speaks loudest "
        "against it. Losses are those of each arm at its best draw. What is known of a claim "
        "beforehand, and what a verdict leaves open, stands beside it.",
        code="scorecard.scorecard(whole, design_of(run))",
    ),
    Section(
        key="trials",
        title="Every trial",
        says="What differed between trials, and how each ended. A diverged trial is a result: "
        "its seeds with a finite loss count, the others are counted as left out.",
        code="findings.trials_table(whole)",
    ),
)

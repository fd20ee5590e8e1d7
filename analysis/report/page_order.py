"""The page in its order: theory held against measurement first, then both questions."""

from __future__ import annotations

from matplotlib.figure import Figure

from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.finding import Results
from caviar.analysis.report import sections_regularization as regularization_sections
from caviar.analysis.report import sections_test_time as test_time_sections
from caviar.analysis.report.answer import usual_errors
from caviar.analysis.report.section import Section, whole
from caviar.analysis.run.comparison import NoComparison

NOT_CLAIMED = (
    "An interval beside a number is for that contrast alone. Verdicts, bands, the range of the "
    "best size and p_family hold for all sizes together.",
    "The best size is chosen on the same seeds that its difference is read from, which flatters "
    "that difference a little; its 95 % range pays for the choice.",
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


def not_claimed(results: Results | NoComparison) -> tuple[str, ...]:
    """What a reader might take from the page and must not."""
    if isinstance(results, NoComparison):
        return NOT_CLAIMED
    updates = results.run.trials["batch_size"].nunique() > 1
    return (*NOT_CLAIMED, UPDATES if updates else GHOSTS)


def _overview(results: Results) -> Figure:
    return figures.overview(
        results.reading("noise_penalty"),
        results.reading("effect_of_size"),
        usual_errors(results),
        results.design.label,
        results.design.reference,
    )


OPENING = (
    Section(
        key="batch_noise",
        title="Theory against measurement: the noise of batch statistics",
        says="At the final weights, predicted without any fit. Variance of the batch mean and of "
        "the batch standard deviation in units of the population variance, "
        "(N - m)/(N - 1)/m and (excess kurtosis + 2)/(4m) (N - m)/(N - 1); the variance of one "
        "example's normalised value over its batches, (1 + (excess kurtosis + 2)/4)/m; the share "
        "of the Jacobian's energy between examples, [2 - (6 + excess kurtosis)/m]/(m - 2). The "
        "last three are leading orders in 1/m.",
        caption="Points on the line agree with theory. Each is the mean over all networks; bars, "
        "often smaller than the points, are 95 % intervals over seeds.",
        alt="Measured against predicted noise of batch statistics, four panels.",
        draw=lambda f: figures.batch_noise(whole(f, "batch_noise")),
    ),
    Section(
        key="overview",
        title="Both answers at a glance",
        says="Left: what batch noise adds to the training loss at the same weights. Middle: what "
        "the size does to test loss. Right: how far the running statistics that test time uses "
        "are from those of the whole training set.",
        caption="Bars are 95 % intervals; the tables are those of the parts 1 and 2 below "
        "(noise_penalty, effect_of_size, statistics_error).",
        alt="Three panels against mini-batch size: noise penalty, test loss difference, error of "
        "running mean and variance.",
        draw=_overview,
    ),
)
CLOSING = (
    Section(
        key="scorecard",
        title="The literature's claims, and what this run says of them",
        says="A claim is confirmed where the interval of its quantity lies inside the region that "
        "it names at every place measured, refuted where it lies outside at one (interval widened "
        "for their number), else inconclusive. The row shows the place that speaks loudest "
        "against it. Losses are those of each arm at its best draw. What is known of a claim "
        "beforehand, and what a verdict leaves open, stands beside it.",
        opened=True,
    ),
    Section(
        key="trials",
        title="Every trial",
        says="What differed between trials, and how each ended. A diverged trial is a result: "
        "its seeds with a finite loss count, the others are counted as left out.",
    ),
)
SECTIONS = (
    *OPENING,
    *regularization_sections.SECTIONS,
    *test_time_sections.SECTIONS,
    *CLOSING,
)

"""Theory against measurement: the noise of batch statistics."""

from __future__ import annotations

from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.columns import LAYER, PROBED, READING
from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.tables.batch_noise import batch_noise

WHAT = {
    "mean": ("population variance", "variance of the batch mean"),
    "deviation": ("population variance", "variance of the batch standard deviation"),
    "noise_to_signal": ("ratio", "variance of one example's normalised value over its batches"),
    "coupling": ("share", "share of the Jacobian's energy that lies between examples"),
}


def _ends(name: str) -> tuple[Column, Column]:
    unit, what = WHAT[name]
    return (
        Column(f"low_{name}", unit, f"The lower end of the 95 % interval of the {what}."),
        Column(f"high_{name}", unit, f"The upper end of the 95 % interval of the {what}."),
    )


BATCH_NOISE = Finding(
    name="batch_noise",
    part="theory",
    compute=lambda results: batch_noise(results.comparison),
    columns=(
        READING,
        LAYER,
        PROBED,
        *(
            Column(f"measured_{name}", unit, f"The measured {what}, a mean over networks.")
            for name, (unit, what) in WHAT.items()
        ),
        *(column for name in WHAT for column in _ends(name)),
        Column(
            "excess_kurtosis",
            "ratio",
            "The excess kurtosis of the norm layer's input.",
            "-2 or more",
        ),
        Column("networks", "count", "Networks that the means are over."),
        Column("left_out", "count", "Networks that diverged, failed or are missing."),
        *(
            Column(f"predicted_{name}", unit, f"The {what} that theory predicts.")
            for name, (unit, what) in WHAT.items()
        ),
    ),
    title="Theory against measurement: the noise of batch statistics",
    says="Measured at the final weights, and predicted without any fit: the variance of the "
    "batch mean and of the batch standard deviation in units of the population variance, "
    "(N - m)/(N - 1)/m and (excess kurtosis + 2)/(4m) (N - m)/(N - 1); the variance of one "
    "example's normalised value over its batches, (1 + (excess kurtosis + 2)/4)/m; the share "
    "of the Jacobian's energy between examples, [2 - (6 + excess kurtosis)/m]/(m - 2). The "
    "last three are leading orders in 1/m.",
    caption="On the line measurement equals theory. Above each panel stands the point that lies "
    "farthest from it: measured for predicted, and by how much. Each point is the mean over the "
    "networks at the learning rate that each size chose; bars, often smaller than the points, are "
    "95 % intervals over seeds.",
    alt="Measured against predicted noise of batch statistics, four panels.",
    draw=lambda results: figures.batch_noise(results.reading("batch_noise")),
)

"""How training went at every size."""

from __future__ import annotations

from caviar.analysis.figures import training_curves as figures
from caviar.analysis.findings.columns import FACET, LEVEL
from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.tables.plotted.training_curves import training_curves

TRAINING_CURVES = Finding(
    name="training_curves",
    part="regularisation",
    compute=lambda results: training_curves(results.comparison),
    columns=(
        FACET,
        Column("quantity", "text", "`batch_loss`, which an update saw, or `test_loss`."),
        LEVEL,
        Column("step", "updates", "After how many updates; at most 60 steps are kept."),
        Column("median", "nats", "The median over seeds (and draws, where none is chosen)."),
        Column("lower_quartile", "nats", "The lower quartile over the same."),
        Column("upper_quartile", "nats", "The upper quartile over the same."),
        Column("units", "count", "Networks whose loss is finite at this step."),
    ),
    title="How training went",
    says="Loss against the update, the median over seeds with a band from the lower to the upper "
    "quartile, one line per size, at the learning rate that each size chose.",
    caption="Bands hold half of the seeds; they are no intervals.",
    alt="Loss of the training batch and test loss against the update, one line per size.",
    draw=lambda results: figures.training_curves(results["training_curves"], results.design.symbol),
)

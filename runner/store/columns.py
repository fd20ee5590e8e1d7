"""The columns of the tables that a run writes: what each holds, in which unit and range."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class Column(NamedTuple):
    """A column: its Arrow type, the unit of its values, what they are, and between what ends."""

    name: str
    type: pa.DataType
    unit: str
    says: str
    range: str


ANY, FROM_0, SHARE = "any number", "0 or more", "0 to 1"
WHOLE, WORDS = "whole numbers of 0 or more", "any text"


def whole(name: str, unit: str, says: str, of: str = WHOLE) -> Column:
    return Column(name, pa.int64(), unit, says, of)


def real(name: str, unit: str, says: str, of: str = ANY) -> Column:
    return Column(name, pa.float64(), unit, says, of)


def text(name: str, says: str, of: str = WORDS) -> Column:
    return Column(name, pa.string(), "text", says, of)


TRIAL = text("trial_id", "The trial: a hash of its config.", "12 hexadecimal digits")
ATTEMPT = Column(
    "attempt", pa.int32(), "number of the attempt", "Which attempt at the trial it was.", WHOLE
)
SEED = whole("seed", "seed", "The seed: one of the networks that the trial trains side by side.")
STEP = whole("step", "updates", "Updates made when it was measured.", "1 or more")
WHO = (TRIAL, ATTEMPT, SEED, STEP)
LAYER = "The norm layer, counted from the input"
TRACKER = (
    "The running average: its rule and, after a slash, its decay, as `unbiased/0.99`; empty for "
    "other statistics."
)

RULES = "a rule of `caviar conventions`, own, or empty"

CURVES = (
    *WHO,
    real("epoch", "epochs", "The same in passes over the training split.", FROM_0),
    real("learning_rate", "factor on the gradient", "The learning rate of this step.", FROM_0),
    real("loss", "nats", "Train-mode loss, a mean over the steps since the row before.", FROM_0),
    real("gradient_norm", "nats per unit of weight", "The norm of this step's gradient.", FROM_0),
    real("weight_norm", "units of weight", "The norm of all weight matrices together.", FROM_0),
    real(
        "effective_learning_rate",
        "1 over squared units of weight",
        "The learning rate over the squared norm of the weights.",
        FROM_0,
    ),
)

EVALUATIONS = (
    *WHO,
    text("split", "The examples that were evaluated.", "train, validation or test"),
    text(
        "statistics",
        "What normalised them: statistics of the training split (`population`), a `running` "
        "average, their own batch (`batch`), the mean over batches of the size trained with "
        "(`precise`), or those expected of a batch that holds the example (`evalnorm`).",
        "population, running, batch, precise or evalnorm",
    ),
    text("tracker", f"{TRACKER} `own`: those of the norm itself.", RULES),
    whole(
        "norm_batch_size",
        "examples",
        "The size of the batches of `batch` rows; else the size trained with.",
        "2 or more",
    ),
    real("loss", "nats", "Cross-entropy, a mean over the examples.", FROM_0),
    real("accuracy", "share", "Examples whose most likely class is the right one.", SHARE),
    whole("examples", "examples", "How many examples were evaluated.", "1 or more"),
    whole(
        "mislabelled",
        "examples",
        "How many of them have a label that `label_noise` replaced; loss and accuracy are held "
        "against it all the same.",
    ),
    real(
        "sorted_loss",
        "nats",
        "In rows `batch` of the test split, where everything is measured: the loss in batches "
        "sorted by class. Empty elsewhere.",
        FROM_0,
    ),
    real("sorted_accuracy", "share", "The accuracy in the same batches.", SHARE),
    real(
        "excess_error",
        "nats",
        "Of a model of yours that was watched or audited: the standard error over examples of this "
        "loss less that under population statistics. Empty elsewhere.",
        FROM_0,
    ),
)
OF_MODELS_ONLY = frozenset({"excess_error"})
"""Measured columns that only watched and audited models have: null in the rows of trials."""


def _error_parts(of: str, unit: str) -> tuple[Column, ...]:
    return tuple(
        real(f"{of}_{part}", unit, f"{says} Empty without `shadow`.", FROM_0)
        for part, says in (
            ("sampling", f"The part of {of}_error that comes from the examples of the batches."),
            ("staleness", f"The part of {of}_error that comes from weights that have moved since."),
            (
                "propagation",
                f"The part of {of}_error that a rule has at weights at rest: its own bias and, in "
                "deeper layers, that of the layers below.",
            ),
        )
    )


STATISTICS = (
    *WHO,
    text("layer", f"{LAYER}.", "norm1, norm2 and so on"),
    text("tracker", TRACKER, "a rule of `caviar conventions`"),
    real(
        "mean_error",
        "population deviations",
        "How far the running mean is from the population's: root mean square over features.",
        FROM_0,
    ),
    real("mean_bias", "population deviations", "The same as a mean over features, signed."),
    real(
        "variance_error",
        "log ratio",
        "The log ratio of the running variance to the population's: root mean square over "
        "features. Both include epsilon.",
        FROM_0,
    ),
    real("variance_bias", "log ratio", "The same as a mean over features, signed."),
    real(
        "divergence",
        "nats",
        "Kullback-Leibler divergence of two normal laws with these means and variances, running "
        "first: a mean over features.",
        FROM_0,
    ),
    *_error_parts("mean", "population deviations"),
    *_error_parts("variance", "log ratio"),
)

NOISE = (
    *WHO,
    text("layer", f"{LAYER}, or the whole network.", "norm1, norm2 and so on, or network"),
    whole("norm_batch_size", "examples", "The size of the batches that were drawn.", "2 or more"),
    whole("batches", "batches", "How many batches were drawn.", "1 or more"),
    real(
        "mean_variance",
        "population variance",
        "The variance of a batch's mean, a mean over features.",
        FROM_0,
    ),
    real(
        "deviation_variance",
        "population variance",
        "The variance of a batch's standard deviation, a mean over features.",
        FROM_0,
    ),
    real(
        "excess_kurtosis", "1", "Excess kurtosis of the layer's input; 0 if normal.", "-2 or more"
    ),
    real(
        "noise_to_signal",
        "1",
        "The variance of one example's normalised value over its batches, whose own variance is 1.",
        FROM_0,
    ),
    real(
        "coupling",
        "share",
        "The share of the energy of the layer's Jacobian that lies between examples.",
        SHARE,
    ),
    real(
        "noise_penalty",
        "nats",
        "R_in: train-mode loss less population loss at the same weights. Of the network, as all "
        "that follow.",
    ),
    real(
        "external_penalty", "nats", "R_ext: the same with the statistics of as many other examples."
    ),
    real("self_influence", "nats", "R_in less R_ext: what an example does to its own statistics."),
    real("predicted_self_influence", "nats", "Its prediction from one backward pass."),
    real(
        "partition_variance",
        "squared gradient",
        "The variance of a gradient between cuts of the same batch into ghosts, summed over "
        "parameters. Measured at the size trained with.",
        FROM_0,
    ),
    real(
        "gradient_variance",
        "squared gradient",
        "The same between batches as well.",
        FROM_0,
    ),
    real(
        "self_influence_error",
        "nats",
        "The standard error of `self_influence` over partitions.",
        FROM_0,
    ),
    real(
        "penalty_partitions",
        "partitions",
        "Over how many partitions into batches the penalties are averages.",
        "1 or more",
    ),
)

PREDICTIONS = (
    *WHO,
    text("statistics", "What normalised the example.", "population"),
    whole("example", "row", "The row of the example in the data set, from 0."),
    whole("label", "class", "Its class, as a place in the list of classes, from 0."),
    Column(
        "log_probabilities",
        pa.list_(pa.float64()),
        "nats",
        "The log-probability of every class.",
        "0 or less",
    ),
)

OUTCOMES = (
    TRIAL,
    ATTEMPT,
    text(
        "status",
        "How the attempt ended. `diverged` is a result, and so is `stopped` (early, by the median "
        "rule of a random search); `failed` and `lost` are tried again.",
        "completed, diverged, stopped, failed or lost",
    ),
    real("seconds", "seconds", "How long it took.", FROM_0),
    real("probe_seconds", "seconds", "How much of that measuring took.", FROM_0),
    whole("steps", "updates", "How many updates it made."),
    whole("rows", "rows", "How many rows of measurements belong to it."),
    Column(
        "diverged_seeds",
        pa.list_(pa.int64()),
        "seeds",
        "The seeds whose loss stopped being finite.",
        "seeds of the trial",
    ),
    text(
        "invariants",
        "Whether the norm's exact identities held on the first batches.",
        "passed, failed or none",
    ),
    text("host", "The machine that it ran on."),
    text("kernel", "The kernel of the linear algebra library that computed it."),
    whole("blas_threads", "threads", "The threads of that library."),
    text("processor", "The processor."),
    text(
        "path",
        "What trained it: plain NumPy or compiled kernels; null in runs of before.",
        "numpy or compiled",
    ),
    text(
        "error",
        "What a failed attempt raised, how many losses stopped being finite, or where and why the "
        "trial was stopped; else empty.",
    ),
    text("traceback", "Where it was raised."),
)

OF_TRIALS = (
    TRIAL,
    text("dataset", "The name of the data set, or of its file."),
    text("dataset_fingerprint", "The hash of what was loaded.", "12 hexadecimal digits"),
)
"""The columns of `trials` that are not fields of a config."""

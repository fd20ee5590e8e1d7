"""What training reports: one frozen record per measurement, with arrays `(replicas,)`.

The field names are the column names of the tables on disk.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from caviar.model.contract import Array
from caviar.model.steps.snapshot import Snapshot


@dataclass(frozen=True)
class Curve:
    """Training since the previous curve record; `loss` is the mean train-mode loss in nats."""

    step: int
    epoch: float
    learning_rate: float
    loss: Array
    gradient_norm: Array
    weight_norm: Array
    effective_learning_rate: Array


@dataclass(frozen=True)
class Evaluation:
    """Loss (nats) and accuracy of a split under one kind of statistics at the same weights.

    `statistics` is `population`; `running` (then `tracker` names the average, `own` those that the
    norm itself carries and is read with by its authors; else it is empty);
    `batch`, groups of `norm_batch_size`, the size trained with; `precise`, the mean over an epoch
    of the batch statistics at these weights; or `evalnorm`, expected batch statistics given
    that the evaluated example is in the batch, in every layer around the moments of its inputs
    under EvalNorm below. `mislabelled` counts the examples of the split whose label was replaced,
    which loss and accuracy are held against all the same. `sorted_loss` and `sorted_accuracy`
    are those of the test split in batches sorted by class, beside `batch` where everything is
    measured, and NaN elsewhere.
    """

    step: int
    split: str
    statistics: str
    tracker: str
    norm_batch_size: int
    loss: Array
    accuracy: Array
    examples: int
    mislabelled: int
    sorted_loss: Array
    sorted_accuracy: Array


@dataclass(frozen=True)
class StatisticsError:
    """How far one running average is from the population statistics, over a layer's features.

    With r the running and p the population value: `mean_error` is the root mean square of
    (r - p) / sigma, `mean_bias` its mean; `variance_error` and `variance_bias` the same of the
    log ratio of variances; `divergence` the mean Kullback-Leibler divergence in nats of the two
    normal laws, running first. Every variance, sigma^2 too, is what batch norm divides by:
    the variance plus epsilon.

    The other columns split the error of the mean (in standard deviations) and of the variance
    (log ratio) into three parts, each given as a root mean square; before squaring, the parts add
    up exactly. `sampling`: the running average less its shadow, the average of the statistics
    expected at each step's weights. `staleness`: the shadow less the statistics expected at the
    present weights. `propagation`: those less the population value, which is the rule's own bias
    and, in deeper layers, the effect of batch statistics below on the input. These columns are
    NaN where no shadow was kept.
    """

    step: int
    layer: str
    tracker: str
    mean_error: Array
    mean_bias: Array
    variance_error: Array
    variance_bias: Array
    divergence: Array
    mean_sampling: Array
    mean_staleness: Array
    mean_propagation: Array
    variance_sampling: Array
    variance_staleness: Array
    variance_propagation: Array


@dataclass(frozen=True)
class Noise:
    """Noise of batch statistics at frozen weights, in random batches of `norm_batch_size`.

    One row per batch-norm layer, with means over its features: variance of the batch mean and of
    the batch standard deviation over `batches` batches without replacement, both divided by the
    population variance; the excess kurtosis of the pre-activations; `noise_to_signal`, the
    variance of one example's x_hat over its batches, averaged over examples, whose own variance
    is 1; `coupling`, the share of the Jacobian's energy that lies between examples.

    One row for the layer `network`, in nats on the training split: `noise_penalty`, R_in,
    train-mode loss less population loss; `external_penalty`, R_ext, the same with the statistics
    of as many other examples; `self_influence`, R_in - R_ext, and its prediction from one
    backward pass; `penalty_partitions`, over how many partitions into batches these three are
    averages, and `self_influence_error`, the standard error of `self_influence` over them. At the
    size trained with: `partition_variance`, the variance of a step's
    gradient between partitions of the same batch into ghosts, summed over parameters, and
    `gradient_variance`, between batches as well. Columns that do not apply are NaN.
    """

    step: int
    layer: str
    norm_batch_size: int
    batches: int
    mean_variance: Array
    deviation_variance: Array
    excess_kurtosis: Array
    noise_to_signal: Array
    coupling: Array
    noise_penalty: Array
    external_penalty: Array
    self_influence: Array
    predicted_self_influence: Array
    partition_variance: Array
    gradient_variance: Array
    self_influence_error: Array
    penalty_partitions: Array

    @classmethod
    def of(cls, step: int, layer: str, size: int, batches: int, values: dict[str, Array]) -> Noise:
        """A row with the columns in `values`; the other columns are NaN."""
        nan = np.full(next(iter(values.values())).shape, np.nan)
        columns = {f.name: values.get(f.name, nan) for f in fields(cls)[4:]}
        return cls(step, layer, size, batches, **columns)


@dataclass(frozen=True)
class LogProbabilities:
    """Log-probability in nats of every class for each test example, at the end of training.

    `example`, the row in the data set, and `label` are `(replicas, examples)`;
    `log_probabilities` is `(replicas, examples, classes)`.
    """

    step: int
    statistics: str
    example: Array
    label: Array
    log_probabilities: Array


@dataclass(frozen=True)
class Probing:
    """Training pauses after `step` to measure; the records that follow are measurements."""

    step: int


@dataclass(frozen=True)
class Checked:
    """Batch norm's exact identities at one of the first steps; `failed` names those not met.

    This is not a row of a table: it decides whether the trial's rows can be trusted at all.
    """

    step: int
    failed: tuple[str, ...]


Record = (
    Curve | Evaluation | StatisticsError | Noise | LogProbabilities | Probing | Checked | Snapshot
)

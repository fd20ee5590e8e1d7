"""What training reports: one frozen record a measurement, arrays `(replicas,)`.

The field names are the column names of the tables that the rows end in.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.layers import Array


@dataclass(frozen=True)
class Curve:
    """Training since the last such record: `loss` is the train-mode mean in nats."""

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

    `statistics` is `population`, `running` (then `tracker` names the average, else it is empty)
    or `batch` (then `norm_batch_size` is the size of the groups, else the size trained with).
    """

    step: int
    split: str
    statistics: str
    tracker: str
    norm_batch_size: int
    loss: Array
    accuracy: Array
    examples: int


@dataclass(frozen=True)
class StatisticsError:
    """How far one running average is from the population statistics, over a layer's features.

    With r the running and p the population value: `mean_error` is the root mean square of
    (r - p) / sigma, `mean_bias` its mean; `variance_error` and `variance_bias` the same of the
    log ratio of variances; `divergence` the mean Kullback-Leibler divergence in nats of the two
    normal laws, running first. Every variance, sigma^2 too, is what batch norm divides by:
    the variance plus epsilon.
    """

    step: int
    layer: str
    tracker: str
    mean_error: Array
    mean_bias: Array
    variance_error: Array
    variance_bias: Array
    divergence: Array


@dataclass(frozen=True)
class Noise:
    """Spread of batch statistics at frozen weights, over random batches of `norm_batch_size`.

    A row a batch-norm layer: variance of the batch mean and of the batch standard deviation
    over `batches` batches without replacement, both divided by the population variance, and
    the excess kurtosis of the pre-activations; all means over features. A row for the layer
    `network`: the noise penalty R_in, train-split loss in train mode less population loss.
    What does not apply is NaN.
    """

    step: int
    layer: str
    norm_batch_size: int
    batches: int
    mean_variance: Array
    deviation_variance: Array
    excess_kurtosis: Array
    noise_penalty: Array


@dataclass(frozen=True)
class Checked:
    """Batch norm's exact identities at one of the first steps; `failed` names those that broke.

    Not a row of a table: it decides whether the trial's rows may be believed at all.
    """

    step: int
    failed: tuple[str, ...]


Record = Curve | Evaluation | StatisticsError | Noise | Checked

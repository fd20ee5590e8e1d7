"""How each framework says what `advise` advises: its arguments, calls and layers.

A text of `Words` is filled in with `decay` (the weight of the old value, or samples for CNTK),
`complement` (the weight of the new one) and `epsilon`.
"""

from __future__ import annotations

from typing import NamedTuple

from caviar.analysis.theory.question import Question


class Words(NamedTuple):
    """A framework's own words; None where it has no such thing.

    `decay` sets the average's decay and `epsilon` epsilon; `recompute` takes plain means of the
    statistics at frozen weights; `sync` shares statistics between devices; `group` is group norm.
    `stored` names what a layer keeps of mean and variance, `updates` the number of updates so far;
    `beside` says what has to be set beside copied statistics, lest further training forget them,
    and `learned_gamma` what makes gamma learned where it is not so by default.
    """

    decay: str
    recompute: str
    stored: tuple[str, str]
    sync: str | None = None
    group: str | None = None
    updates: str = ""
    epsilon: str = "epsilon={epsilon}"
    beside: str = ""
    learned_gamma: str = ""


def _plain_mean(setting: str, passes: str = "forward") -> str:
    return f"run batches {passes} in training mode with {setting} at the t-th, weights untouched"


BOTH = "forward and backward"
"""The passes of a framework that updates its averages in the backward pass."""

PLAIN = Words("decay={decay}", _plain_mean("a decay of (t-1)/t"), ("the mean", "the variance"))

_TORCH = Words(
    "momentum={complement}",
    "torch.optim.swa_utils.update_bn(loader, model)",
    ("running_mean", "running_var"),
    "model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)",
    "torch.nn.GroupNorm(32, channels)",
    "num_batches_tracked",
    "eps={epsilon}",
)
_MOVING = ("moving_mean", "moving_variance")
_KERAS = Words(
    "momentum={decay}",
    "model(x, training=True) over batches, with momentum=(t-1)/t in every BatchNormalization at "
    "the t-th batch",
    _MOVING,
    "keras.layers.BatchNormalization(synchronized=True)",
    "keras.layers.GroupNormalization(32)",
)
_MXNET = Words(
    "momentum={decay}",
    _plain_mean("momentum=(t-1)/t", BOTH),
    ("running_mean", "running_var"),
    "mxnet.gluon.contrib.nn.SyncBatchNorm",
    "mxnet.gluon.nn.GroupNorm(32)",
)
_FLAX = Words(
    "momentum={decay}",
    "average the statistics that training mode stores at momentum=0 over batches, and keep the "
    "weights",
    ("mean", "var"),
)

FRAMEWORKS: dict[str, Words] = {
    "caffe": Words(
        "moving_average_fraction: {decay}",
        "set the layer's three blobs to 0, then run the training phase with base_lr: 0 and "
        "moving_average_fraction: 1",
        ("blobs_[0] / blobs_[2]", "blobs_[1] / blobs_[2]"),
        epsilon="eps: {epsilon}",
        beside="blobs_[2] = 1 / (1 - moving_average_fraction)",
        learned_gamma="then a layer of type Scale with bias_term: true",
    ),
    "caffe2": Words(
        "momentum={decay}", _plain_mean("momentum=(t-1)/t"), ("running_mean", "running_var")
    ),
    "cntk": Words(
        "normalization_time_constant={decay}",
        "reset the layer's counts, then run batches in training mode with "
        "normalization_time_constant=-1, weights untouched",
        ("aggregate_mean", "aggregate_variance"),
        beside="aggregate_count above 0; at 0 the next batch replaces them",
    ),
    "dl4j-old": Words(
        "decay({decay})", _plain_mean("decay=(t-1)/t"), ("mean", "var"), epsilon="eps({epsilon})"
    ),
    "dl4j": Words(
        "decay({decay})",
        _plain_mean("decay=(t-1)/t", BOTH),
        ("mean", "the variance (kept as log10stdev)"),
        epsilon="eps({epsilon})",
    ),
    "flax-linen": _FLAX._replace(
        sync="flax.linen.BatchNorm(axis_name=...), with the name of the mapped axis",
        group="flax.linen.GroupNorm(32)",
    ),
    "flax-nnx": _FLAX._replace(
        sync="flax.nnx.BatchNorm(axis_name=...), with the name of the mapped axis",
        group="flax.nnx.GroupNorm(channels, num_groups=32, rngs=rngs)",
    ),
    "haiku": Words(
        "decay_rate={decay}",
        "average the statistics that is_training=True stores at decay_rate=0 over batches, and "
        "keep the weights",
        ("mean_ema/average", "var_ema/average"),
        "hk.BatchNorm(cross_replica_axis=...), with the name of the mapped axis",
        "hk.GroupNorm(32)",
        "var_ema/counter",
        epsilon="eps={epsilon}",
        beside="mean_ema/hidden and var_ema/hidden = the same two, and both counters so large that "
        "decay_rate^counter is 0",
    ),
    "keras-2": _KERAS._replace(recompute=_plain_mean("momentum=(t-1)/t"), sync=None, group=None),
    "keras-3": _KERAS,
    "lasagne": Words("alpha={complement}", _plain_mean("alpha=1/t"), ("mean", "inv_std")),
    "mxnet-gluon": _MXNET,
    "mxnet-symbol": _MXNET._replace(
        sync=None, group=None, epsilon="eps={epsilon}", learned_gamma="fix_gamma=False"
    ),
    "onnx": Words("momentum={decay}", _plain_mean("momentum=(t-1)/t"), ("mean", "var")),
    "paddle": Words(
        "momentum={decay}",
        _plain_mean("momentum=(t-1)/t"),
        ("_mean", "_variance"),
        "model = paddle.nn.SyncBatchNorm.convert_sync_batchnorm(model)",
        "paddle.nn.GroupNorm(32, channels)",
    ),
    "tensorflow-fused": Words(
        "exponential_avg_factor={complement}",
        _plain_mean("exponential_avg_factor=1/t"),
        ("running_mean", "running_variance"),
    ),
    "tensorflow-layers": Words(
        "momentum={decay}",
        _plain_mean("momentum=(t-1)/t"),
        _MOVING,
        "tf.keras.layers.BatchNormalization(synchronized=True)",
        "tf.keras.layers.GroupNormalization(32)",
    ),
    "tensorflow-slim": Words(
        "decay={decay}", _plain_mean("decay=(t-1)/t"), _MOVING, learned_gamma="scale=True"
    ),
    "theano": Words(
        "running_average_factor={complement}",
        _plain_mean("running_average_factor=1/t"),
        ("running_mean", "running_var"),
    ),
    "torch7": Words(
        "momentum={complement}",
        _plain_mean("momentum=1/t"),
        ("running_mean", "running_var"),
        epsilon="eps={epsilon}",
    ),
    "pytorch": _TORCH,
    "pytorch-cumulative": _TORCH._replace(
        beside="num_batches_tracked = the number of batches that they stand for"
    ),
}
"""By the name of a row of the conventions; other rows are told in `PLAIN` words."""


def words_of(convention: str) -> Words:
    """The words of a convention's framework, or plain ones."""
    return FRAMEWORKS.get(convention, PLAIN)


def setting(question: Question, words: Words) -> str:
    """The question's decay as the framework sets it, empty for a plain mean of all batches."""
    decay = question.decay
    if question.keep == "cumulative":
        return ""
    if question.keep == "time_constant":
        return words.decay.format(decay=f"{decay:.4g}", complement="")
    return words.decay.format(decay=f"{decay:.12g}", complement=f"{1 - decay:.3g}")

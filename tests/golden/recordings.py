"""Which convention and decay each recording shows, and what its arrays mean."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from caviar.model.averages.conventions import Convention
from caviar.model.averages.frameworks import FRAMEWORKS

Change = Callable[[Convention, int], Convention]
"""What a variant changes in a row, given the batch size."""


def _as_is(row: Convention, m: int) -> Convention:
    return row


def _fields(**changes: Any) -> Change:
    return lambda row, m: replace(row, **changes)


VARIANTS: dict[tuple[str, str], tuple[str, Change]] = {
    ("caffe", "default"): ("caffe", _as_is),
    ("caffe", "fraction"): ("caffe", _as_is),
    ("caffe2", "brew_default_4d"): ("caffe2", _as_is),
    ("cntk", "default"): ("cntk", _as_is),
    # The CPU engine accepts blend_time_constant, but normalises by the batch alone.
    ("cntk", "default_blend16"): ("cntk", _as_is),
    # The time constant that forgets as fast as a decay of 0.9 per batch.
    ("cntk", "decay"): ("cntk", lambda row, m: replace(row, decay=-m / math.log(row.decay or 1))),
    ("cntk", "cumulative_tc-1"): ("cntk", _fields(keep="cumulative")),
    ("flax_linen", "default"): ("flax-linen", _as_is),
    ("flax_linen", "momentum"): ("flax-linen", _as_is),
    ("flax_nnx", "default"): ("flax-nnx", _as_is),
    ("flax_nnx", "momentum"): ("flax-nnx", _as_is),
    ("haiku", "decay"): ("haiku", _as_is),
    ("keras2", "default"): ("keras-2", _as_is),
    ("keras2", "momentum"): ("keras-2", _as_is),
    ("keras3_torch", "default"): ("keras-3", _as_is),
    ("keras3_torch", "momentum"): ("keras-3", _as_is),
    ("keras3_numpy", "default"): ("keras-3", _as_is),
    ("keras3_numpy", "momentum"): ("keras-3", _as_is),
    ("keras3_jax", "default"): ("keras-3", _as_is),
    ("keras3_jax", "momentum"): ("keras-3", _as_is),
    ("lasagne", "default"): ("lasagne", _as_is),
    ("mxnet", "gluon_default"): ("mxnet-gluon", _as_is),
    ("mxnet", "sym_default"): ("mxnet-symbol", _as_is),
    ("mxnet", "sym_fixgamma_false"): ("mxnet-symbol", _fields(gamma="learned from 1")),
    ("onnx", "default"): ("onnx", _as_is),
    ("onnx", "momentum"): ("onnx", _as_is),
    ("onnx", "onnxruntime_default"): ("onnx", _as_is),
    ("paddle", "BatchNorm1D_default"): ("paddle", _as_is),
    ("paddle", "BatchNorm_default"): ("paddle", _as_is),
    ("pytorch", "default"): ("pytorch", _as_is),
    ("pytorch", "cumulative"): ("pytorch-cumulative", _as_is),
    ("tensorflow1", "layers_default"): ("tensorflow-layers", _as_is),
    ("tensorflow1", "layers_momentum"): ("tensorflow-layers", _as_is),
    ("tensorflow1", "tfkeras_default"): ("tensorflow-layers", _as_is),
    ("tensorflow1", "tfkeras_momentum"): ("tensorflow-layers", _as_is),
    ("tensorflow1", "slim_default"): ("tensorflow-slim", _as_is),
    ("tensorflow1", "slim_decay"): ("tensorflow-slim", _as_is),
    ("tensorflow1", "slim_decay_unfused"): ("tensorflow-slim", _fields(second="biased")),
    ("tensorflow1", "slim_decay_zerodebias"): (
        "tensorflow-slim",
        _fields(mean_keep="debiased"),
    ),
    ("tensorflow1", "slim_decay_zerodebias_unfused"): (
        "tensorflow-slim",
        _fields(mean_keep="debiased", second="biased"),
    ),
    ("tensorflow2", "tfkeras3_default"): ("keras-3", _as_is),
    ("tensorflow2", "tfkeras3_momentum"): ("keras-3", _as_is),
    ("tensorflow2", "tf_keras2_legacy_default"): ("tensorflow-layers", _as_is),
    ("tensorflow2", "tf_keras2_legacy_momentum"): ("tensorflow-layers", _as_is),
    ("tensorflow2", "compat_v1_layers_legacy_default"): ("tensorflow-layers", _as_is),
    ("tensorflow_fused", "default"): ("tensorflow-fused", _as_is),
    ("tensorflow_fused", "momentum"): ("tensorflow-fused", _as_is),
    ("theano", "theano_default"): ("theano", _as_is),
    ("torch7_lua", "default"): ("torch7", _as_is),
}
"""The row by file and variant (without number and precision), and what the variant changes."""

MEANS = ("running_mean", "moving_mean", "aggregate_mean", "mean")
SECONDS = ("running_var", "moving_variance", "aggregate_variance", "variance", "inv_std")

# One-pass variance in float32, E[x^2] - E[x]^2, loses digits of a small batch.
ONE_PASS = ("caffe2", "flax_linen", "flax_nnx", "haiku", "keras3_torch", "keras3_numpy")


@dataclass(frozen=True)
class Recording:
    """One run of a framework: the row it shows at batch size `m`, and its tolerances."""

    file: str
    variant: str
    m: int
    row: Convention
    double: bool

    @property
    def name(self) -> str:
        return f"{self.file} {self.variant} m={self.m}"

    def tolerance(self, quantity: str) -> float:
        """Largest allowed error, relative to the largest value recorded (or 1)."""
        if self.double:
            return 1e-12
        if quantity in ("dX", "dgamma", "dscale", "saved_inv_std", "batch_invstd", "Y", "xhat"):
            if self.file in ONE_PASS:
                return 0.1 if quantity == "dX" else 2e-3
            return 2e-4 if quantity == "dX" else 1e-5
        return 3e-6


def find(file: str, variant: str, m: int) -> Recording:
    """The recording of a key; raises LookupError for a file or variant that no row explains."""
    single = variant.removesuffix("_f64")
    number = re.search(r"(?<=momentum|fraction)0\.\d+|(?<=decay)0\.\d+", single)
    plain = single.replace(number.group(), "") if number else single
    if (file, plain) not in VARIANTS:
        raise LookupError(f"{file}: no row for the variant {variant!r}")
    name, change = VARIANTS[file, plain]
    row = FRAMEWORKS[name]
    if number:
        row = replace(row, decay=float(number.group()))
    return Recording(file, variant, m, change(row, m), variant != single)

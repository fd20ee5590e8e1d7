"""A name as people type it finds its row, or asks which."""

from __future__ import annotations

import re

import pytest

from caviar.model.averages.frameworks import ALL
from caviar.runner.cli.convention_names import FAMILIES, rows_named, same_rule_named
from caviar.runner.errors import RequestError


@pytest.mark.parametrize(
    ("name", "row"),
    [
        *((name, name) for name in ALL),
        *(("torch", "pytorch"), ("PyTorch", "pytorch"), ("torch 2.1", "pytorch")),
        *(("pytorch==2.13.0", "pytorch"), ("torch7", "torch7"), ("Torch-2", "pytorch")),
        *(("keras3", "keras-3"), ("Keras 3", "keras-3"), ("keras==3.15.1", "keras-3")),
        *(("keras2", "keras-2"), ("keras 2.2.4", "keras-2"), ("keras-2.3.1", "keras-2")),
        *(("keras 2.10", "keras-3"), ("keras 2.1.3", "keras-3"), ("keras 1.2", "keras-3")),
        *(("KERAS_3", "keras-3"), ("Caffe2", "caffe2"), ("caffe", "caffe"), ("nnx", "flax-nnx")),
        *(("flax.linen", "flax-linen"), ("Flax NNX", "flax-nnx"), ("haiku 0.0.17", "haiku")),
        *(("torch.nn.BatchNorm2d", "pytorch"), ("torch.nn.SyncBatchNorm", "pytorch")),
        *(("pytorch BatchNorm1d", "pytorch"), ("lightning", "pytorch"), ("hk.BatchNorm", "haiku")),
        *(("paddle.nn.BatchNorm2D", "paddle"), ("flax.linen.BatchNorm", "flax-linen")),
        *(("tf.layers.batch_normalization", "tensorflow-layers"), ("ort", "onnx")),
        *(("slim.batch_norm", "tensorflow-slim"), ("keras3.layers.BatchNormalization", "keras-3")),
        *(("tf slim", "tensorflow-slim"), ("onnx-1.23", "onnx"), ("onnxruntime", "onnx")),
    ],
)
def test_names_that_mean_one_row(name: str, row: str) -> None:
    for typed in (name, name.upper()):
        assert [one.name for one in same_rule_named(typed)] == [row]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        *(("flax 0.12", ["flax-nnx", "flax-linen"]), ("Flax", ["flax-nnx", "flax-linen"])),
        ("tf.keras", ["keras-3", "tensorflow-layers"]),
        ("tf.keras.layers.BatchNormalization", ["keras-3", "tensorflow-layers"]),
    ],
)
def test_names_whose_rows_average_alike_need_no_question(name: str, rows: list[str]) -> None:
    assert [row.name for row in same_rule_named(name)] == rows


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("keras", ["keras-3", "keras-2"]),
        ("keras.layers.BatchNormalization", ["keras-3", "keras-2"]),
        ("BatchNorm2d", ["pytorch", "paddle", "flax-nnx", "flax-linen", "mxnet-gluon"]),
        ("JAX", ["flax-nnx", "flax-linen", "haiku"]),
        ("tf", ["keras-3", "tensorflow-layers", "tensorflow-fused", "tensorflow-slim"]),
        ("TensorFlow 2.21", ["keras-3", "tensorflow-layers", "tensorflow-fused"]),
        ("mxnet", ["mxnet-gluon", "mxnet-symbol"]),
    ],
)
def test_names_that_may_mean_several_are_asked_about(name: str, choices: list[str]) -> None:
    """Each with the versions that it is for, so that a reader knows which is theirs."""
    told = " or ".join(f"{row} ({ALL[row].version})" for row in choices)
    with pytest.raises(RequestError, match=re.escape(told)):
        same_rule_named(name)
    assert len(rows_named(name)) > 1


@pytest.mark.parametrize(
    "name", ["", "kers-3", "keras-33", "3", "torch" * 1000, "tf-" + "9" * 5000]
)
def test_names_that_mean_nothing_get_the_nearest(name: str) -> None:
    try:
        rows = rows_named(name)
    except RequestError as error:
        assert "unknown" in str(error)
    else:
        assert len(rows) > 1 and name.startswith("tf-")


def test_every_family_means_rows_that_exist() -> None:
    assert {row for names in FAMILIES.values() for row in names} <= set(ALL)

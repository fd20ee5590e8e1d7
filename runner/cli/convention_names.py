"""Names of conventions as people type them: any case, with or without a version."""

from __future__ import annotations

import re

from caviar.model.averages.conventions import Convention
from caviar.model.averages.frameworks import ALL
from caviar.runner.errors import RequestError, nearest

FAMILIES: dict[str, tuple[str, ...]] = {
    "torch": ("pytorch",),
    "pytorch": ("pytorch",),
    "torch.nn": ("pytorch",),
    "libtorch": ("pytorch",),
    "lightning": ("pytorch",),
    "pytorch-lightning": ("pytorch",),
    "nn": ("pytorch", "paddle", "flax-nnx", "flax-linen", "mxnet-gluon"),
    "luatorch": ("torch7",),
    "keras": ("keras-3", "keras-2"),
    "tf.keras": ("keras-3", "tensorflow-layers"),
    "tensorflow": ("keras-3", "tensorflow-layers", "tensorflow-fused", "tensorflow-slim"),
    "tf": ("keras-3", "tensorflow-layers", "tensorflow-fused", "tensorflow-slim"),
    "tf.layers": ("tensorflow-layers",),
    "tf.compat.v1.layers": ("tensorflow-layers",),
    "tf.nn": ("tensorflow-fused",),
    "tf.contrib.layers": ("tensorflow-slim",),
    "slim": ("tensorflow-slim",),
    "tf-slim": ("tensorflow-slim",),
    "jax": ("flax-nnx", "flax-linen", "haiku"),
    "flax": ("flax-nnx", "flax-linen"),
    "linen": ("flax-linen",),
    "nnx": ("flax-nnx",),
    "dm-haiku": ("haiku",),
    "hk": ("haiku",),
    "onnxruntime": ("onnx",),
    "ort": ("onnx",),
    "mxnet": ("mxnet-gluon", "mxnet-symbol"),
    "gluon": ("mxnet-gluon",),
    "mx.gluon.nn": ("mxnet-gluon",),
    "mx.sym": ("mxnet-symbol",),
    "paddlepaddle": ("paddle",),
    "paddle.nn": ("paddle",),
    "deeplearning4j": ("dl4j", "dl4j-old"),
}
"""Which rows a framework's name may mean, the likeliest first."""

READ = (
    *("keep", "mean_keep", "second", "decay", "epsilon"),
    *("initial_mean", "initial_second"),
)
"""The fields of a convention that an answer is computed from."""

LAYER = re.compile(r"(.*?)[\s_.]*(sync)?batch[\s_-]?norm(ali[sz]ation|\s?[123]d)?")
"""A layer behind its framework's name: `torch.nn.BatchNorm2d`, `tf.keras.layers.Batch...`."""

KERAS_2 = ((2, 1, 4), (2, 3, 1))
"""The first and the last release of Keras with a rule of its own."""


def rows_named(name: str) -> tuple[Convention, ...]:
    """The rows that a name may mean, the likeliest first.

    Raises RequestError for a name that means none.
    """
    rows = {_plain(row): (row,) for row in ALL}
    families = {_plain(family): names for family, names in FAMILIES.items()}
    family, version = _parts(name)
    if family == "keras" and version:
        families[family] = _keras(version)
    for plain in (_plain(name), family, *_without_layer(name)):
        names = rows.get(plain) or families.get(plain)
        if names:
            return tuple(ALL[row] for row in names)
    raise RequestError(
        f"framework or convention {name!r} is unknown; {nearest(name, {*ALL, *FAMILIES})}; "
        "`caviar conventions` lists all rows"
    )


def same_rule_named(name: str) -> tuple[Convention, ...]:
    """The rows that a name may mean, the likeliest first, where all average in the same way.

    They may differ in what `READ` does not name. Raises RequestError, with each row's versions,
    where they do not average alike.
    """
    rows = rows_named(name)
    if len({tuple(getattr(row, field) for field in READ) for row in rows}) > 1:
        choices = " or ".join(
            f"{row.name} ({row.version})" if row.version else row.name for row in rows
        )
        raise RequestError(
            f"convention {name!r}: {choices}? They average differently: give one of these names"
        )
    return rows


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", name.lower())


def _without_layer(name: str) -> tuple[str, ...]:
    """The plain name in front of a layer, and the same without `layers`; empty without a layer."""
    layer = LAYER.fullmatch(name.lower().strip())
    if layer is None:
        return ()
    # `BatchNorm2d` alone is one of several frameworks' `nn`.
    before = layer[1] or "nn"
    return _plain(before), _plain(before.removesuffix("layers"))


def _parts(name: str) -> tuple[str, tuple[int, ...]]:
    """A framework's plain name and the version behind it, empty where there is none."""
    parts = re.fullmatch(r"(.*?[^\d\s_.\-=v])[\s_\-=]*v?(\d+(?:\.\d+)*)", name.lower().strip())
    if parts is None:
        return _plain(name), ()
    # A number of more digits than a version has means nothing.
    version = tuple(int(part[:9]) for part in parts[2].split("."))
    return _plain(parts[1]), version


def _keras(version: tuple[int, ...]) -> tuple[str, ...]:
    """Keras 2.1.4 to 2.3.1 has one rule; releases before and after it, in tf.keras too, another.

    Nothing for a version that does not exist.
    """
    if not 1 <= version[0] <= 3:
        return ()
    if version == (2,):
        return ("keras-2",)
    low, high = (end[: len(version)] for end in KERAS_2)
    return ("keras-2",) if low <= version <= high else ("keras-3",)

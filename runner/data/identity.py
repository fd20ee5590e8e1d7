"""The fingerprint of a data set: a hash of everything that a training takes from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

import numpy as np

from caviar.model.contract import Array
from caviar.runner.data.labels import names_in_identity

ROWS = 4096
"""Rows that are hashed at once, so that no second copy of the data is held."""

BUNDLED_CONTENT: dict[str, tuple[str, tuple[str, ...]]] = {
    "04db559b4528": ("each", ("class_0", "class_1", "class_2")),
    "6359bca024da": ("each", ("setosa", "versicolor", "virginica")),
    "fc303bf47cac": ("together", tuple("0123456789")),
    "4802323d42a5": ("each", ("benign", "malignant")),
}
"""Scaling and classes of the bundled sets by the hash of their numbers, which alone was their
fingerprint when the first runs were made."""


def fingerprint(
    features: Array,
    labels: Array,
    classes: tuple[str, ...],
    images: bool,
    pixels: bool | None,
    more: Mapping[str, object],
) -> str:
    """12 hexadecimal digits of a SHA-256 of the numbers and what the numbers do not imply.

    Numbers imply features that are scaled each by itself and classes named 0, 1, ...; the bytes
    of `images` imply pixels, which are scaled together. `pixels` is None where the study says how
    to scale. `more` is what is out of the ordinary besides.
    """
    base = _of_numbers(features, labels, "uint8" if images else "float64")
    scaling, names = BUNDLED_CONTENT.get(
        base, ("together" if images else "each", tuple(map(str, range(len(classes)))))
    )
    content = dict(more)
    if pixels is not None and pixels != (scaling == "together"):
        content["scaling"] = "together" if pixels else "each"
    if (called := names_in_identity(classes)) != list(names):
        content["classes"] = called
    if not content:
        return base
    text = f"{base} {json.dumps(content, sort_keys=True)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def former_fingerprint(features: Array, labels: Array) -> str:
    """What runs before 2026-11-27 were made under: the hash of the numbers as they were stored."""
    return _of_numbers(features, labels, str(features.dtype))


def _of_numbers(features: Array, labels: Array, dtype: str) -> str:
    digest = hashlib.sha256(f"{dtype} {features.shape}".encode())
    for part in _parts(features, dtype):
        digest.update(part)
    digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()[:12]


def _parts(features: Array, dtype: str) -> Iterator[bytes]:
    for start in range(0, len(features), ROWS):
        yield np.ascontiguousarray(features[start : start + ROWS].astype(dtype)).tobytes()

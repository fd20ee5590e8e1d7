"""Runs of somebody's own model, watched or audited: no study of ours trained it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.runner.errors import RequestError

MODEL = "model"
"""Key of `study.json`: what the model is, where the rows are of somebody's own."""


def model_in_words(content: Mapping[str, Any]) -> str:
    """`watched training of ResNet, 20 norms`; empty for a study. `content` is `study.json`."""
    model = content.get(MODEL)
    if model is None:
        return ""
    norms = len(model["norms"])
    return f"{model['kind']} of {model['class']}, {norms} norm{'s' * (norms != 1)}"


def must_be_a_study(content: Mapping[str, Any], where: str, why: str) -> None:
    """Raise RequestError for the run of a model; `why` says what it lacks, as the end of a
    sentence."""
    words = model_in_words(content)
    if words:
        raise RequestError(f"{where!r} holds no study but the {words}: {why}")

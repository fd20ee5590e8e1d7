"""What a run of somebody's own model says, by what was done with the model."""

from __future__ import annotations

from collections.abc import Callable

from caviar.analysis.models.audited import audited_results
from caviar.analysis.models.model_results import ModelResults
from caviar.analysis.models.watched import watched_results
from caviar.analysis.run.read import Run

KINDS: dict[str, Callable[[Run], ModelResults]] = {
    "watched training": watched_results,
    "audit": audited_results,
}
"""By the `kind` of the model's run."""


def model_results(run: Run) -> ModelResults:
    """The answers of a watched training or an audit."""
    return KINDS[run.study["model"]["kind"]](run)

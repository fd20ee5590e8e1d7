"""Trials that enter no effect of the compared size, since their training does not read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from caviar.model.norms.registry import NORMS
from caviar.runner.config import TrialConfig
from caviar.runner.effects import IN_ROWS_ALONE, is_trained_with
from caviar.runner.study.study import Study


def not_trained_with() -> list[dict[str, Any]]:
    """For each size that rows contain although training may not read it, the norms that do not.

    The rows have the form that `study.json` keeps for reports: `field`, the name `decided_by` of
    the field that decides, and its `values` with which `field` has no effect on training.
    """
    return [
        {
            "field": field,
            "decided_by": "norm",
            "values": [norm for norm in NORMS if not is_trained_with(field, {"norm": norm})],
        }
        for field in IN_ROWS_ALONE
    ]


def not_compared(study: Study, trials: Sequence[TrialConfig]) -> list[str]:
    """A sentence for each size that a study varies although some of these trials do not read it."""
    sentences = []
    for field in IN_ROWS_ALONE:
        if field not in (*study.scientific, *study.nuisance):
            continue
        idle = [trial for trial in trials if not is_trained_with(field, vars(trial))]
        if idle:
            norms = " or ".join(repr(norm) for norm in _norms(idle))
            sentences.append(
                f"not compared: {len(idle):,} of {len(trials):,} trials enter no effect of "
                f"{field}: training with norm = {norms} does not use it"
            )
    return sentences


def _norms(trials: Iterable[TrialConfig]) -> list[str]:
    return list(dict.fromkeys(trial.norm for trial in trials))

"""Every cause but `healthy` is told by exactly one entry, the general ones last."""

from __future__ import annotations

from typing import get_args

from caviar.analysis.audit.causes.cause import CauseName
from caviar.analysis.audit.causes.registry import CAUSES


def test_every_cause_is_told_once() -> None:
    names = [cause.name for cause in CAUSES]
    assert sorted([*names, "healthy"]) == sorted(get_args(CauseName))
    assert names[-2:] == ["sampling", "lag"]
    assert names[0] == "broken"

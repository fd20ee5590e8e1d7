"""A cause stands for others that look like it, never for itself."""

from __future__ import annotations

from caviar.analysis.audit.causes.cause import RECOMPUTE
from caviar.analysis.audit.causes.registry import CAUSES


def test_no_cause_explains_itself_or_a_broken_model() -> None:
    assert not [one.name for one in CAUSES if {one.name, "broken", "healthy"} & one.explains]


def test_recomputing_names_every_way() -> None:
    assert "--repair OUT" in RECOMPUTE and "update_bn(loader, model)" in RECOMPUTE

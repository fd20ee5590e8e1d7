"""What `caviar.audit` returns."""

from __future__ import annotations

import json

from caviar.analysis.audit.audit import Audit
from tests.analysis.audit.made import evidence, layer, readings


def test_an_audit_says_its_cause_in_every_form() -> None:
    audit = Audit(evidence(layer(weight=0.8), train=readings(stored=2.0)))
    assert repr(audit) == "<Audit of 1 norm: start>"
    assert str(audit).startswith("start: ")
    told = json.loads(audit.to_json())
    assert (told["cause"], told["sentence"]) == (audit.cause, audit.sentence)
    assert tuple(told["actions"]) == audit.actions
    assert (told["loss"], told["layers"]) == (audit.losses, audit.layers)
    assert audit.also is None and told["also"] is None

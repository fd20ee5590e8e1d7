from __future__ import annotations

import pytest

from caviar.analysis.models.compared import compare_audits, data, text
from tests.analysis.models.audits import audit_run
from tests.analysis.models.made import watched_run


def test_causes_losses_and_norms_are_compared_in_order() -> None:
    before, after = audit_run("a", cause="start", kl=0.4), audit_run("b")
    two = compare_audits(before, after)
    assert two.differ and two.causes == ("start", "healthy")
    assert two.losses["stored"] == (0.9, 0.51)
    first, second = two.layers
    assert (first.kl_before, first.kl_after, first.part) == (0.4, 0.01, "start")
    assert (second.loss_before, second.loss_after) == pytest.approx((0.08, 0.002))
    lines = text(two, before, after).splitlines()
    assert lines[0] == "The verdict has changed: start, then healthy."
    assert lines[4] == (
        "  norm first: divergence per unit 0.4, then 0.01; loss added 0.04, then 0.001; most "
        "changed: start"
    )
    assert data(two)["verdict"] == "differ" and data(two)["layers"][0]["name"] == "first"


def test_the_same_audit_twice_has_not_changed() -> None:
    two = compare_audits(audit_run("a"), audit_run("b"))
    assert not two.differ and all(layer.part == "" for layer in two.layers)


def test_another_run_is_no_audit() -> None:
    with pytest.raises(ValueError, match="'runs/mine' is no audit"):
        compare_audits(audit_run(), watched_run())

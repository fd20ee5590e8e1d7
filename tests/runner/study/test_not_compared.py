"""Which trials enter no effect of the size that their study compares."""

from __future__ import annotations

import pytest

from caviar.runner.study.not_compared import not_compared, not_trained_with
from tests.runner.helpers import TINY, plan_of

FREE = (*TINY, "fixed={ hidden = [16], batch_size = 16 }")
"""Leaves the norm to be crossed or drawn."""


def sentences(*settings: str) -> list[str]:
    plan = plan_of(*FREE, *settings)
    return not_compared(plan.study, plan.sample)


def test_where_the_norm_is_crossed() -> None:
    assert sentences('scientific.norm=["batch", "layer", "none"]') == [
        "not compared: 8 of 12 trials enter no effect of norm_batch_size: training with "
        "norm = 'layer' or 'none' does not use it"
    ]


def test_where_the_norm_is_drawn() -> None:
    (sentence,) = sentences('nuisance.norm={ scale = "choice", values = ["batch", "group"] }')
    assert "training with norm = 'group' does not use it" in sentence


def test_where_the_norm_belongs_to_an_arm() -> None:
    (sentence,) = sentences('arms={ batch = {}, layer = { norm = "layer", norm_batch_size = 16 } }')
    assert sentence.startswith("not compared: 2 of 6 trials")


@pytest.mark.parametrize(
    "settings",
    [(), ("norm_batch_size=16", 'scientific.norm=["batch", "layer"]')],
    ids=["all train with it", "it does not differ"],
)
def test_nothing_is_said_of_a_size_that_all_train_with_or_that_is_fixed(
    settings: tuple[str, ...],
) -> None:
    assert sentences(*settings) == []


def test_what_a_run_notes_for_its_reports() -> None:
    assert not_trained_with() == [
        {"field": "norm_batch_size", "decided_by": "norm", "values": ["layer", "none", "group"]}
    ]

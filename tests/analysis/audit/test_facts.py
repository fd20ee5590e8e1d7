"""The facts behind a verdict."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from caviar.analysis.audit.costs import PLAIN
from caviar.analysis.audit.facts import facts_of, kl_of
from tests.analysis.audit.made import evidence, layer, readings, scaled


def test_the_weight_is_fitted_where_it_explains_and_else_what_updates_leave() -> None:
    fitted = facts_of(evidence(*(layer(f"bn{i}", weight=0.5) for i in range(3))))
    assert fitted.weight == pytest.approx(0.5, abs=0.02)
    known = facts_of(evidence(layer(momentum=0.02, updates=100)))
    assert known.weight == 0.98**100


def test_excess_is_one_for_sampling() -> None:
    excess = [
        facts_of(evidence(*(layer(f"bn{i}", seed=seed) for i in range(3)))).excess
        for seed in range(30)
    ]
    assert sum(excess) / 30 == pytest.approx(1, abs=0.05)


def test_costs_are_those_of_the_dearer_set() -> None:
    facts = facts_of(evidence(train=readings(), test=readings(stored=0.5)))
    assert facts.of == "the test set"
    assert facts.cost == pytest.approx(0.3)
    assert facts.costs(PLAIN)


def test_a_test_set_with_other_moments_does_not_judge_the_statistics() -> None:
    one = layer()
    one = replace(one, other=scaled(one, 0.5))
    facts = facts_of(evidence(one, test=readings(stored=0.5)))
    assert facts.other_moments
    assert (facts.of, facts.cost) == ("the data given", 0)


def test_without_a_loss_the_divergence_judges() -> None:
    assert not facts_of(evidence(train=None)).costs()
    assert facts_of(evidence(layer(weight=0.8), train=None)).costs()


def test_a_loss_that_is_no_number_costs_without_end() -> None:
    assert facts_of(evidence(train=readings(stored=float("nan")))).cost == inf


def test_the_momentum_of_most_norms() -> None:
    layers = [layer("a", momentum=0.1), layer("b", momentum=0.01), layer("c", momentum=0.01)]
    assert facts_of(evidence(*layers)).momentum == 0.01


def test_divergence_to_second_order() -> None:
    assert kl_of(0.2, 0.4) == pytest.approx(0.06)

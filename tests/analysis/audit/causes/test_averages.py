"""Rules that average badly: the start, and inverted momentum."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.analysis.audit.causes.averages import fits_start
from caviar.analysis.audit.facts import facts_of
from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, readings, stored


def _started(weight: float, **changes: float) -> list[object]:
    return [layer(f"bn{i}", weight=weight, **changes) for i in range(3)]  # type: ignore[arg-type]


def test_a_start_that_still_weighs() -> None:
    layers = _started(0.999**248, momentum=0.001, updates=248)
    verdict = verdict_of(evidence(*layers, train=readings(stored=2.2)))  # type: ignore[arg-type]
    assert verdict.cause == "start"
    assert verdict.sentence.startswith(
        "The start (mean 0, variance 1) still makes up 78 % of all statistics after 248 updates "
        "with momentum=0.001;"
    )


def test_a_start_that_is_not_counted_is_fitted() -> None:
    layers = [replace(one, updates=None) for one in _started(0.5)]  # type: ignore[type-var]
    facts = facts_of(evidence(*layers, train=readings(stored=2.2)))  # type: ignore[arg-type]
    assert fits_start(facts)
    assert verdict_of(facts.evidence).cause == "start"


def test_a_start_that_costs_nothing_is_healthy() -> None:
    assert verdict_of(evidence(*_started(0.05))).cause == "healthy"  # type: ignore[arg-type]


def test_a_known_start_beside_a_larger_lag_is_lag() -> None:
    layers = [
        stored(one, mean=2.0)  # type: ignore[arg-type]
        for one in _started(0.99**300, momentum=0.01, updates=300)
    ]
    assert verdict_of(evidence(*layers, train=readings(stored=2.2))).cause == "lag"


@pytest.mark.parametrize(("momentum", "told"), [(0.99, "0.01"), (0.9, "0.1"), (0.999, "0.001")])
def test_an_inverted_momentum_is_named_whatever_it_costs(momentum: float, told: str) -> None:
    layers = [layer(f"bn{i}", momentum=momentum) for i in range(3)]
    verdict = verdict_of(evidence(*layers))
    assert verdict.cause == "inverted-momentum"
    assert verdict.actions[0].startswith(f"Set momentum={told} where {momentum} stands")


def test_statistics_that_were_recomputed_do_not_blame_the_momentum() -> None:
    layers = [layer(f"bn{i}", momentum=0.99) for i in range(3)]
    exact = [replace(one, stored=one.population.moments) for one in layers]
    assert verdict_of(evidence(*exact)).cause == "healthy"

"""The verdict: the first cause that the facts show, and the next that it does not explain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.analysis.audit.evidence import Difference
from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, readings, scaled, stored


def test_sampling_that_costs_nothing_is_healthy() -> None:
    """200 models whose statistics are off by what sampling leaves."""
    verdicts = [
        verdict_of(
            evidence(
                *(layer(f"bn{i}", values=16, seed=seed) for i in range(3)),
                train=readings(stored=0.204),
            )
        )
        for seed in range(200)
    ]
    assert {verdict.cause for verdict in verdicts} == {"healthy"}
    assert verdicts[0].sentence == (
        "Nothing calls for a change: the statistics fit the weights; the loss of the data given is "
        "0.204 with them and 0.2 with the population's."
    )
    assert verdicts[0].actions == ()


def test_a_second_cause_is_named_where_the_first_does_not_explain_it() -> None:
    one = layer(weight=0.6)
    other = replace(one, other=scaled(one, 0.5))
    gains = readings(
        other=readings(stored=0.3).stored,
        other_minus_population=Difference(-1.0, 0.001),
    )
    verdict = verdict_of(evidence(other, train=readings(stored=2.0), test=gains))
    assert verdict.cause == "start"
    assert verdict.also is not None and verdict.also.cause == "other-data"
    assert verdict.also.also is None


def test_what_the_first_cause_explains_is_not_named() -> None:
    verdict = verdict_of(evidence(stored(layer(), 0.0, 1.0), train=readings(stored=2.0)))
    assert (verdict.cause, verdict.also) == ("never-updated", None)


def test_norms_without_statistics_are_healthy() -> None:
    one = replace(layer(), stored=None)
    verdict = verdict_of(evidence(one, train=replace(readings(), stored_minus_population=None)))
    assert verdict.cause == "healthy"
    assert verdict.sentence.startswith("No norm stores statistics")


@pytest.mark.parametrize("seed", range(5))
def test_without_a_loss_the_statistics_judge(seed: int) -> None:
    layers = [layer(f"bn{i}", seed=seed) for i in range(3)]
    assert verdict_of(evidence(*layers, train=None)).cause == "healthy"
    moved = [stored(one, mean=0.5) for one in layers]
    verdict = verdict_of(evidence(*moved, train=None))
    assert verdict.cause == "lag"
    assert "no loss was given" in verdict.sentence


def test_statistics_that_differ_and_cost_nothing_are_not_said_to_fit() -> None:
    far = stored(layer(), 1.5)
    verdict = verdict_of(evidence(far, train=readings(stored=0.204)))
    assert verdict.cause == "healthy"
    assert "the statistics differ from the data's (by " in verdict.sentence
    assert "but cost too little to act on" in verdict.sentence
    better = verdict_of(evidence(far, train=readings(stored=0.199)))
    assert "where most), but do no harm; the loss of the data given is 0.199" in better.sentence

"""How much a trial measures, and what it says about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from caviar.runner.config import TrialConfig
from caviar.runner.trial.build import build
from caviar.runner.trial.measurement_schedule import (
    FEWEST,
    Sizes,
    expected,
    probes_of,
    shadow_cost,
    share,
)
from tests.runner.helpers import TINY, plan_of

SIZES = Sizes(train=2000, validation=500, test=1000, step=250)


def config_of(**changes: Any) -> TrialConfig:
    sizes = (4, 8, 16, 32, 64, 128, 256)
    fields = {
        "steps": 1000,
        "evaluations": 8,
        "probe_batch_sizes": sizes,
        "log_probabilities": False,
    }
    return TrialConfig(**{**plan_of(*TINY).trials[0].model_dump(), **fields, **changes})


@pytest.mark.parametrize("steps", [50, 100, 200, 400, 800, 5000])
@pytest.mark.parametrize("limit", [0.05, 0.2, 0.5])
def test_measuring_fits_or_is_as_little_as_it_can_be(steps: int, limit: float) -> None:
    config = config_of(steps=steps, probe_share=limit)
    probes = probes_of(config, SIZES)
    least = (len(probes.evaluation_steps), probes.gradient_batches, probes.examples)
    assert share(probes, config, SIZES) <= limit or least == (1, 0, FEWEST)
    assert probes.probe_steps == {steps} and steps in probes.evaluation_steps


def test_moments_go_first_then_gradient_noise_then_examples() -> None:
    schedules = [
        probes_of(config_of(probe_share=limit / 1000), SIZES) for limit in range(900, 0, -9)
    ]
    rows = [(len(p.evaluation_steps), p.gradient_batches > 0, p.examples) for p in schedules]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] == (8, True, 2000) and rows[-1] == (1, False, FEWEST)
    assert (1, True, 2000) in rows and (1, False, 2000) in rows


@pytest.mark.parametrize("steps", [50, 400, 1000, 5000, 100_000])
def test_further_partitions_of_penalties_cost_at_most_a_tenth_of_training(steps: int) -> None:
    """Seven sizes of up to 2,000 examples, inside and outside their batch, for a quarter each."""
    probes = probes_of(config_of(steps=steps), SIZES)
    passes = 0.25 * 2 * 7 * probes.examples
    fits = int(0.1 * steps * SIZES.step / passes)
    assert probes.penalty_partitions == min(10, 1 + fits)
    assert probes_of(config_of(steps=steps, probe_batch_sizes=()), SIZES).penalty_partitions == 1


def test_longer_training_affords_more() -> None:
    short, long = (probes_of(config_of(steps=n), SIZES) for n in (400, 40000))
    assert len(short.evaluation_steps) < len(long.evaluation_steps) == 8


def test_what_costs_more_has_a_larger_share() -> None:
    config = config_of()
    probes = probes_of(config_of(probe_share=0.99), SIZES)
    base = share(probes, config, SIZES)
    assert share(replace(probes, sizes=()), config, SIZES) < base
    assert share(replace(probes, gradient_batches=0), config, SIZES) < base
    assert share(replace(probes, examples=1000), config, SIZES) < base
    assert share(probes, config_of(conventions=("biased",)), SIZES) < base
    assert share(probes, config_of(partitions=4), SIZES) < base
    assert share(probes, config_of(norm="layer"), SIZES) < base


def test_a_test_split_that_holds_a_ghost_is_also_passed_sorted_by_class() -> None:
    fits, short = config_of(norm_batch_size=1000), config_of(norm_batch_size=1001)
    probes = probes_of(fits, SIZES)
    whole, less = (expected(probes, config, SIZES).whole for config in (fits, short))
    assert whole - less == pytest.approx(0.35 * SIZES.test)
    assert share(probes, fits, SIZES) == share(probes, short, SIZES)  # It decides what it decided.


def test_the_shadow_costs_a_pass_over_the_training_split_a_step() -> None:
    assert shadow_cost(config_of(), SIZES) == 0
    one, two = (shadow_cost(config_of(shadow=True), SIZES._replace(train=n)) for n in (1000, 2000))
    assert 0 < one == two / 2


def test_what_is_asked_for_reaches_the_training() -> None:
    plan = plan_of(*TINY, "shadow=true", "evaluations=3", "probe_share=0.95")
    probes = build(plan.trials[0], plan.data).probes
    assert probes.shadow and probes.log_probabilities
    assert probes.evaluation_steps == {4, 8, 12} and probes.sizes == (4, 16)

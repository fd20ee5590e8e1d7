"""The weight of the start is read off the stored values, and told from other differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.audit.start_weight import (
    as_stored,
    at_start,
    counted_updates,
    fitted,
    known_weight,
)
from tests.analysis.audit.made import layer, stored


@pytest.mark.parametrize("weight", [0.02, 0.3, 0.78])
def test_the_weight_that_all_layers_share(weight: float) -> None:
    fit = fitted([layer(f"bn{i}", values=2000, weight=weight) for i in range(4)])
    assert fit.weight == pytest.approx(weight, abs=0.01)
    assert fit.share > 0.7
    assert fit.spread < 0.02


def test_sampling_alone_is_no_start() -> None:
    fits = [fitted([layer(f"bn{i}", seed=seed) for i in range(4)]) for seed in range(40)]
    assert max(fit.weight for fit in fits) < 0.02
    assert max(fit.share for fit in fits) < 0.2


def test_a_unit_with_a_far_start_does_not_outvote_the_others() -> None:
    one = layer(values=2000, weight=0.5)
    assert one.stored is not None
    far = stored(one, variance=np.where(np.arange(64) == 0, 1e6, one.stored.variance))
    fit = fitted([far, layer("bn2", values=2000, weight=0.5)])
    assert fit.weight == pytest.approx(0.5, abs=0.1)


def test_the_weight_that_updates_leave() -> None:
    assert known_weight(layer(momentum=0.001, updates=248)) == pytest.approx(0.999**248)
    assert known_weight(stored(layer(updates=0), 0.0, 1.0)) == 1.0
    assert known_weight(replace(layer(), updates=None)) is None


def test_a_count_that_was_lost_is_not_believed() -> None:
    one = replace(layer(), updates=0)
    assert counted_updates(one) is None
    assert known_weight(one) is None
    assert counted_updates(stored(one, 0.0, 1.0)) == 0
    assert counted_updates(layer(updates=7)) == 7


def test_batches_store_an_unbiased_variance() -> None:
    one = layer(values=4)
    np.testing.assert_allclose(as_stored(one).variance, one.population.moments.variance)


def test_exactly_zero_and_one_is_the_start() -> None:
    one = stored(layer(), 0.0, 1.0)
    assert one.stored is not None and at_start(one.stored)
    other = stored(layer(), 0.0, 1.001)
    assert other.stored is not None and not at_start(other.stored)

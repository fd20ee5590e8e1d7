"""A whole batch that was far too large moves means less than deviations; another scale does not."""

from __future__ import annotations

import numpy as np

from caviar.analysis.audit.causes.first_norm import First, first_norm, signs_of
from caviar.analysis.audit.evidence import NormLayer
from caviar.analysis.audit.facts import facts_of
from tests.analysis.audit.made import evidence, layer, stored


def whole_batch(one: NormLayer, size: float, weight: float) -> NormLayer:
    """The layer after a batch of inputs `size` times as large, which weighs `weight`."""
    assert one.stored is not None
    draw, variance = np.random.default_rng(5), one.population.moments.variance
    batch = variance * draw.chisquare(31, 64) / 31
    return stored(
        one,
        mean=one.stored.mean * (1 + weight * (size - 1)),
        variance=one.stored.variance + weight * size**2 * batch,
    )


def test_a_whole_batch_is_told_from_another_scale() -> None:
    facts = facts_of(evidence(whole_batch(layer("bn1"), 100, 0.04), layer("bn2")))
    signs = signs_of(facts)
    assert signs.scatter > 3 * signs.sampling
    assert np.log(signs.factor) < 0.8 * signs.log_ratio / 2
    assert first_norm(facts) is First.poisoned


def test_a_mean_that_is_infinite_is_left_out() -> None:
    one = layer("bn1")
    assert one.stored is not None
    away = stored(one, mean=np.where(np.arange(64) == 7, np.inf, one.stored.mean))
    with np.errstate(invalid="raise"):
        assert np.isfinite(signs_of(facts_of(evidence(away)))).all()


def test_a_first_norm_that_does_not_stand_out_says_nothing() -> None:
    layers = [whole_batch(layer(f"bn{i}"), 100, 0.04) for i in range(2)]
    assert first_norm(facts_of(evidence(*layers))) is First.neither
    assert first_norm(facts_of(evidence())) is First.neither

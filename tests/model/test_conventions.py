from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.conventions import BESSEL, CONVENTIONS, KEEP, Keep, Tracker, trackers
from model.layers import Array

# By name: the rule, the variance averaged, and what both averages start from.
ROWS = {
    "biased": ("constant", "biased", 0.0, 1.0),
    "unbiased": ("constant", "unbiased", 0.0, 1.0),
    "debiased": ("debiased", "unbiased", 0.0, 0.0),
    "cumulative": ("cumulative", "unbiased", 0.0, 0.0),
}


def _weights(keep: Keep, decay: float, updates: int) -> Array:
    """What each batch weighs after all updates, and last what the starting value weighs."""
    weights = [1.0]
    for t in range(1, updates + 1):
        old = KEEP[keep](decay, t)
        weights = [w * old for w in weights] + [1 - old]
    return np.array(weights[1:] + weights[:1])


def test_rows() -> None:
    assert list(CONVENTIONS) == list(ROWS)
    for name, row in CONVENTIONS.items():
        assert row.name == name
        own = (row.keep, row.variance, row.initial_mean, row.initial_variance)
        assert own == ROWS[name]
        assert row.source


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("updates", [1, 3, 100])
def test_weights_in_closed_form(decay: float, updates: int) -> None:
    fading = np.array([decay ** (updates - i) for i in range(1, updates + 1)])
    expected: dict[Keep, Array] = {
        "constant": np.append((1 - decay) * fading, decay**updates),
        "debiased": np.append(fading / fading.sum(), 0.0),
        "cumulative": np.append(np.full(updates, 1 / updates), 0.0),
    }
    for keep, weights in expected.items():
        np.testing.assert_allclose(_weights(keep, decay, updates), weights, rtol=1e-10, atol=1e-15)


@given(decay=st.floats(0, 0.9999), update=st.integers(1, 10_000))
def test_the_old_value_weighs_between_nothing_and_all(decay: float, update: int) -> None:
    for keep, rule in KEEP.items():
        assert 0 <= rule(decay, update) < 1, keep
    assert KEEP["constant"](decay, update) == decay
    assert KEEP["debiased"](decay, update) <= decay * (1 + 1e-12)


def test_the_first_batch_replaces_a_start_that_is_forgotten() -> None:
    assert KEEP["debiased"](0.9, 1) == KEEP["cumulative"](0.9, 1) == 0


def test_bessel_makes_the_biased_variance_unbiased() -> None:
    for m in (2, 3, 8, 100):
        x = np.random.default_rng(m).standard_normal(m)
        np.testing.assert_allclose(BESSEL["unbiased"](m) * x.var(), x.var(ddof=1), rtol=1e-12)
        assert BESSEL["biased"](m) == 1


def test_tracker_names() -> None:
    names = [Tracker(CONVENTIONS[name], 0.9).name for name in ROWS]
    assert names == ["biased/0.9", "unbiased/0.9", "debiased/0.9", "cumulative"]
    assert Tracker(CONVENTIONS["biased"], 1 - 1e-5).name == "biased/0.99999"


def test_trackers_are_the_product_without_repeats() -> None:
    found = trackers(("cumulative", "biased", "debiased"), (0.9, 0.99))
    assert [t.name for t in found] == [
        "cumulative",
        *("biased/0.9", "biased/0.99"),
        *("debiased/0.9", "debiased/0.99"),
    ]
    assert [t.decay for t in found[1:]] == [0.9, 0.99, 0.9, 0.99]
    assert trackers((), (0.9,)) == ()


def test_an_unknown_convention_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="momentum"):
        trackers(("momentum",), (0.9,))

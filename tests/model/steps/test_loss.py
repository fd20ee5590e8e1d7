from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike
from scipy.special import log_softmax, softmax

from caviar.model.steps.loss import correct, cross_entropy, mean_cross_entropy_gradient
from tests.model.helpers import normal, relative_error, slope

LABELS = np.random.default_rng(0).integers(0, 5, (3, 7))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 30.0, 1e4]))
def test_loss_is_the_log_softmax_of_scipy(seed: int, scale: float) -> None:
    logits = scale * normal(seed, 3, 7, 5)
    right = np.take_along_axis(log_softmax(logits, axis=-1), LABELS[..., None], axis=-1)[..., 0]
    loss = cross_entropy(logits, LABELS)
    assert loss.shape == (3, 7)
    np.testing.assert_allclose(loss, -right, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_gradient_is_softmax_less_onehot(seed: int, scale: float) -> None:
    logits = scale * normal(seed, 3, 7, 5)
    expected = (softmax(logits, axis=-1) - np.eye(5)[LABELS]) / 7
    gradient = mean_cross_entropy_gradient(logits, LABELS)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(gradient.sum(axis=-1), 0, atol=1e-14)


def test_gradient_is_the_slope_of_the_mean_loss() -> None:
    logits, direction = 2 * normal(1, 3, 7, 5), normal(2, 3, 7, 5)
    numeric = slope(lambda v: float(cross_entropy(v, LABELS).mean(axis=1).sum()), logits, direction)
    gradient = mean_cross_entropy_gradient(logits, LABELS)
    assert relative_error(float(np.sum(gradient * direction)), numeric) < 1e-8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_enormous_logits_lose_nothing(dtype: DTypeLike) -> None:
    logits = np.array([[[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]]], dtype)
    right, wrong = np.array([[0, 1, 2]]), np.array([[1, 0, 2]])
    exact = [0.0, np.log(2), np.log(3)]
    np.testing.assert_allclose(cross_entropy(logits, right)[0], exact, rtol=1e-6)
    np.testing.assert_allclose(
        cross_entropy(logits, wrong)[0], [2e4, 2e4 + np.log(2), np.log(3)], rtol=1e-6
    )
    gradient = mean_cross_entropy_gradient(logits, wrong)
    expected = np.array([[1, -1, 0], [-1, 0.5, 0.5], [1 / 3, 1 / 3, -2 / 3]]) / 3
    assert cross_entropy(logits, right).dtype == gradient.dtype == dtype
    np.testing.assert_allclose(gradient[0], expected, atol=1e-7)


def test_loss_does_not_change_with_a_shift_of_all_logits() -> None:
    logits = normal(1, 3, 7, 5)
    shifted = cross_entropy(logits + 100.0, LABELS)
    np.testing.assert_allclose(shifted, cross_entropy(logits, LABELS), rtol=1e-10)


def test_logits_are_left_alone() -> None:
    logits = normal(1, 3, 7, 5)
    before = logits.copy()
    cross_entropy(logits, LABELS)
    mean_cross_entropy_gradient(logits, LABELS)
    correct(logits, LABELS)
    np.testing.assert_array_equal(logits, before)


def test_correct_is_the_largest_logit_and_never_nan() -> None:
    nan = np.nan
    logits = np.array([[[1.0, 3.0, 2.0], [1.0, 3.0, 2.0], [nan, 3.0, 2.0], [nan, 3.0, 2.0]]])
    labels = np.array([[1, 2, 0, 1]])
    np.testing.assert_array_equal(correct(logits, labels), [[True, False, False, False]])
    np.testing.assert_array_equal(
        correct(np.full((1, 1, 2), nan), np.zeros((1, 1), int)), [[False]]
    )


def test_nan_stays_in_its_own_example() -> None:
    logits = normal(1, 3, 7, 5)
    logits[1, 2, 3] = np.nan
    bad = np.zeros((3, 7), bool)
    bad[1, 2] = True
    np.testing.assert_array_equal(np.isnan(cross_entropy(logits, LABELS)), bad)

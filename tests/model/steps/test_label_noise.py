"""Wrong training labels: how many, which, and by what."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.steps.label_noise import replaced, with_noise

TRUE = np.tile(np.arange(5), (3, 1000))
"""Three seeds, 5,000 examples of five classes."""


@pytest.mark.parametrize(
    ("share", "count"), [(0.2, 20), (0.005, 1), (0.004, 0), (0.99, 100), (0.5, 50)]
)
def test_as_many_labels_are_wrong_as_the_share_rounds_to(share: float, count: int) -> None:
    """Of 101, for which 0.5 is 50.5: the even neighbour."""
    true = TRUE[:, :101]
    assert replaced(share, 101) == count
    wrong = with_noise(true, share, 5, (0, 1, 2)) != true
    assert wrong.sum(axis=1).tolist() == [count] * 3  # a label never becomes itself


def test_each_other_class_is_as_likely() -> None:
    """3,000 labels go to four classes each: 750 a class, within five deviations of 24."""
    noisy = with_noise(TRUE, 0.2, 5, (0, 1, 2))
    away = (noisy - TRUE) % 5
    assert np.abs(np.bincount(away.ravel(), minlength=5)[1:] - 750).max() < 5 * 24
    places = np.flatnonzero(noisy[0] != TRUE[0])
    assert abs(places.mean() - 2500) < 5 * 5000 / 12**0.5 / 1000**0.5  # not at one end
    assert set(noisy.ravel()) == set(range(5))


def test_a_seed_has_the_same_wrong_labels_in_any_company_and_other_seeds_others() -> None:
    noisy = with_noise(TRUE, 0.2, 5, (4, 7, 9))
    np.testing.assert_array_equal(with_noise(TRUE[:1], 0.2, 5, (7,))[0], noisy[1])
    assert (noisy[0] != noisy[1]).any()


def test_a_larger_share_replaces_what_a_smaller_one_does() -> None:
    smaller, larger = (with_noise(TRUE, share, 5, (4, 7, 9)) for share in (0.2, 0.4))
    wrong = smaller != TRUE
    np.testing.assert_array_equal(larger[wrong], smaller[wrong])

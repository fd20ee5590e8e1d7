"""Errors in units of the terms that cancel, and what rounding explains."""

from __future__ import annotations

import numpy as np

from caviar.model.identities.identity import Identity, relative, sums


def test_an_error_is_relative_to_its_terms() -> None:
    np.testing.assert_array_equal(relative(np.array([-2.0, 3.0]), np.array([4.0, 6.0])), 0.5)


def test_where_every_term_is_zero_so_is_the_error() -> None:
    np.testing.assert_array_equal(relative(np.zeros(2), np.zeros(2)), 0)
    assert relative(np.array(1e-3), 0.0) == 1e-3
    assert np.isnan(relative(np.array(np.nan), 1.0))


def test_an_identity_allows_for_sums_unless_told() -> None:
    assert Identity(lambda site: np.zeros(1)).tolerance is sums

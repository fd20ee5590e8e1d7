from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.steps.examples import Examples
from tests.model.helpers import generators, normal, random_examples


def _examples(dtype: DTypeLike = np.float64) -> Examples:
    """Two replicas of five rows each out of twelve, each with its own moments."""
    index = np.stack([np.random.default_rng(r).permutation(12)[:5] for r in range(2)])
    features = np.arange(36).reshape(12, 3).astype(np.uint8)
    return Examples(features, index % 4, index, normal(0, 2, 1, 3), normal(1, 2, 1, 3), dtype)


def test_take_standardises_the_rows_of_each_replica() -> None:
    data, rows = _examples(), np.array([[0, 4, 4], [3, 1, 0]])
    x, labels = data.take(rows)
    for r in range(2):
        data_rows = data.index[r][rows[r]]
        expected = (data.features[data_rows].astype(float) - data.centre[r]) * data.scale[r]
        np.testing.assert_allclose(x[r], expected, rtol=1e-14)
        np.testing.assert_array_equal(labels[r], data_rows % 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_take_makes_arrays_of_its_own(dtype: DTypeLike) -> None:
    data = _examples(dtype)
    before = data.features.copy()
    x, _ = data.take(np.array([[0], [1]]))
    assert x.dtype == dtype
    x[:] = 0
    np.testing.assert_array_equal(data.features, before)
    assert data.take(np.array([[0], [1]]))[0].any()


def test_a_replica_alone_is_its_part_of_the_stack() -> None:
    data, rows = _examples(), np.array([[2, 0], [1, 3]])
    assert len(data) == 5 and data.replicas == 2
    whole = data.take(rows)
    for r in range(2):
        alone = data.replica(r)
        assert len(alone) == 5 and alone.replicas == 1
        assert alone.features is data.features
        for single, all_ in zip(alone.take(rows[r : r + 1]), whole, strict=True):
            np.testing.assert_array_equal(single[0], all_[r])


def test_labels_of_rows_are_those_taken_with_their_features() -> None:
    data = random_examples(20, 3)
    rows = np.stack([g.permutation(20)[:7] for g in generators(3)])
    np.testing.assert_array_equal(data.labels_of(rows), data.take(rows)[1])
    np.testing.assert_array_equal(data.labels_of(rows)[2], data.labels[2][rows[2]])

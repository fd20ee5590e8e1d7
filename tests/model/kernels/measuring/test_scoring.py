from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.kernels.measuring.scoring import scored
from caviar.model.steps.loss import correct, cross_entropy

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [1, 2, 7, 8, 10, 16, 61, 128, 200])
def test_losses_and_hits_keep_every_bit(dtype: type, classes: int) -> None:
    """Also of logits that tie, and of those that are infinite or not numbers."""
    rng = np.random.default_rng(classes)
    logits: Array = (5 * rng.standard_normal((3, 40, classes))).astype(dtype)
    labels = rng.integers(0, classes, (3, 40))
    logits[0, 3, 0], logits[1, 2, -1], logits[2, 5, 0] = np.nan, np.inf, -np.inf
    logits[0, 7] = 1
    with np.errstate(all="ignore"):
        losses, hits = scored(logits, labels)
        np.testing.assert_array_equal(losses, cross_entropy(logits, labels))
        np.testing.assert_array_equal(hits, correct(logits, labels).sum(axis=1))

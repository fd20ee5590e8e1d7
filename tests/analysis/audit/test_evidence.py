"""Evidence is made of moments that fit together."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.audit.evidence import Moments


def test_moments_of_different_features_are_refused() -> None:
    assert Moments(np.zeros(3), np.ones(3)).variance.shape == (3,)
    with pytest.raises(ValueError, match=r"mean \(3,\) and variance \(1,\)"):
        Moments(np.zeros(3), np.ones(1))
    with pytest.raises(ValueError, match=r"both must be \(features,\)"):
        Moments(np.zeros((2, 3)), np.ones((2, 3)))

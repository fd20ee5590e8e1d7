"""When an identity counts as true."""

from __future__ import annotations

import numpy as np

from caviar.model.identities.check import Check
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import checked, normal, two_norms


def test_a_number_that_is_not_finite_fails() -> None:
    x = normal(0, 2, 16, 9)
    x[1, 3, 2] = np.nan
    assert set(checked(two_norms(Norm(BatchNorm(4))), x).failed) >= {"centre", "scale", "moments"}
    assert not Check(np.nan, 1.0).passed and not Check(np.inf, 1.0).passed
    assert Check(1.0, 1.0).passed and not Check(1.1, 1.0).passed


def test_tolerances_follow_the_precision() -> None:
    x = normal(0, 2, 64, 9)
    double = checked(two_norms(Norm(BatchNorm(16))), x)
    single = checked(two_norms(Norm(BatchNorm(16))), x.astype(np.float32))
    assert double.checks.keys() == single.checks.keys()
    for name, fine in double.checks.items():
        assert fine.tolerance < 1e-12 < 1e-7 < single.checks[name].tolerance < 1e-3

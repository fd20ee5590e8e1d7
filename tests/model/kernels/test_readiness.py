from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels.readiness import make_ready
from caviar.model.kernels.steps import advance
from tests.kernel_runs import training

pytestmark = pytest.mark.usefixtures("kernels")


def test_what_is_ready_is_not_compiled_again() -> None:
    make_ready([training(1)], np.float64, np.float64)
    ready = len(advance.signatures)
    make_ready([training(1)], np.float64, np.float64)
    assert len(advance.signatures) == ready > 0

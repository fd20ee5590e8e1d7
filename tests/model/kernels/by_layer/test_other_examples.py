from __future__ import annotations

import pytest

from caviar.model.kernels.train import train
from caviar.model.norms.other_examples import OtherExamplesNorm
from tests.kernel_runs import apart, arm, splits

pytestmark = pytest.mark.usefixtures("kernels")


def test_statistics_of_other_ghosts_after_a_hundred_steps() -> None:
    assert apart(arm(OtherExamplesNorm(4), company=8)) < 1e-12


def test_a_ghost_without_a_lender_is_refused() -> None:
    with pytest.raises(ValueError, match="3 ghost batches are an odd number"):
        list(train(arm(OtherExamplesNorm(4), company=4), splits()))

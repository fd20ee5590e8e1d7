from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.model.kernels.measuring.batch_noise import partition
from caviar.model.kernels.measuring.scoring import shift_logits
from caviar.model.kernels.measuring.upwards import first_outputs, logits_of, upwards
from caviar.model.kernels.readiness import make_ready
from caviar.model.kernels.steps import advance
from caviar.model.kernels.train import train
from caviar.model.norms.batch_norm import BatchNorm
from tests.kernel_runs import PROBED, arm, splits, training

AT_THE_END = replace(PROBED, evaluation_steps=frozenset({4, 12}), probe_steps=frozenset({12}))

pytestmark = pytest.mark.usefixtures("kernels")


def test_what_is_ready_is_not_compiled_again() -> None:
    make_ready([training(1)], np.float64, np.float64)
    kernels = advance, logits_of, upwards, first_outputs, partition, shift_logits
    ready = [len(kernel.signatures) for kernel in kernels]
    run = replace(arm(BatchNorm(4), steps=12), probes=AT_THE_END)
    list(train(run, splits()))
    assert [len(kernel.signatures) for kernel in kernels] == ready and min(ready) > 0

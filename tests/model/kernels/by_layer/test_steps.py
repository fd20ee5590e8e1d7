from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.model.kernels.train import train
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.noise.injected_noise import NoisyNorm, ShiftAndScaleNoise
from caviar.model.steps.optimizers import Adam
from caviar.model.steps.setup import Training
from caviar.model.train import train as plain_train
from tests.kernel_runs import SHADOWED, arm, numbers, splits, stopped

pytestmark = pytest.mark.usefixtures("kernels")

PROBES = replace(SHADOWED, evaluation_steps=frozenset({11, 30}), probe_steps=frozenset({30}))
DATA = splits()


@pytest.mark.parametrize(
    "run",
    [
        arm(BatchRenorm(4, 3.0, 5.0, 0.9, 20), steps=30, probes=PROBES, dropout=0.1),
        arm(NoisyNorm(4, 1e-5, ShiftAndScaleNoise(4)), steps=30, probes=PROBES, company=11),
        arm(BatchNorm(4), steps=30, probes=PROBES, optimizer=Adam(0.9, 0.999)),
    ],
    ids=["renorm", "noise", "Adam"],
)
def test_training_goes_on_from_a_snapshot_of_either_path(run: Training) -> None:
    (ours, rest), (theirs, _) = (stopped(path, run, DATA) for path in (train, plain_train))
    assert rest
    assert ours.streams == theirs.streams
    assert ours.state.optimizer.count == theirs.state.optimizer.count
    assert ours.state.references.keys() == theirs.state.references.keys()
    for path, start, tolerance in (
        (train, ours, 0.0),
        (train, theirs, 1e-9),
        (plain_train, ours, 1e-9),
    ):
        for one, other in zip(numbers(list(path(run, DATA, start))), numbers(rest), strict=True):
            for key, value in other.items():
                if isinstance(value, np.ndarray):
                    np.testing.assert_allclose(one[key], value, rtol=tolerance, atol=tolerance)

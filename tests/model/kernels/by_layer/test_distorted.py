from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.noise.ghost_noise import GhostNoiseNorm
from caviar.model.norms.noise.injected_noise import NoisyNorm, ScaleNoise, ShiftAndScaleNoise
from caviar.model.steps.optimizers import Adam, CoupledDecay, GammaDecay, Momentum
from tests.kernel_runs import NOTHING, SHADOWED, apart, arm, differences, splits

pytestmark = pytest.mark.usefixtures("kernels")

NOISE = arm(NoisyNorm(4, 1e-5, ShiftAndScaleNoise(4)), company=11, probes=SHADOWED, dropout=0.2)


def test_renormalisation_after_a_hundred_steps() -> None:
    norm = BatchRenorm(4, 3.0, 5.0, 0.9, 20)
    assert apart(arm(norm, probes=SHADOWED, dropout=0.1)) < 1e-12


def test_noise_of_ghosts_the_last_of_them_short() -> None:
    assert apart(NOISE) < 1e-12


def test_noise_of_every_example() -> None:
    optimizer = CoupledDecay(Adam(0.9, 0.99), 0.01)
    norm = NoisyNorm(8, 1e-5, ScaleNoise(1))
    assert apart(arm(norm, company=8, optimizer=optimizer)) < 1e-12


def test_noise_of_other_ghosts() -> None:
    optimizer = GammaDecay(Momentum(0.9), 0.1)
    run = arm(GhostNoiseNorm(8), company=20, learning_rate=0.01, optimizer=optimizer)
    assert apart(run) < 1e-12


def test_a_hundred_steps_in_single_precision() -> None:
    run = replace(NOISE, seeds=(3,), learning_rate=0.01, probes=NOTHING)
    assert differences(run, splits(1, dtype=np.float32)) < 1e-5

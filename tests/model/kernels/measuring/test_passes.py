from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.model.kernels.measuring.passes import measured, passes_of
from caviar.model.kernels.train import train
from caviar.model.measurements.at_step import Passes
from caviar.model.measurements.at_step import passes_of as plain_passes_of
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.noise.injected_noise import NoisyNorm, ShiftAndScaleNoise
from caviar.model.norms.norm import Normaliser
from caviar.model.steps.ghost_arrangement import class_sorted, first_come
from caviar.model.steps.gradient import Randomness, Rows
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import measured as plain
from tests.kernel_runs import SHADOWED, arm, first_batch, numbers, splits
from tests.model.helpers import generators

AT_TWELVE = replace(SHADOWED, evaluation_steps=frozenset({12}), probe_steps=frozenset({12}))
NAMES = "dense1", "norm1", "dense2", "norm2", "dense3"

pytestmark = pytest.mark.usefixtures("kernels")


def snapshot_of(run: Training, data: Splits) -> Snapshot:
    """Training after its first call."""
    return next(r for r in train(run, data, None, lambda: True) if isinstance(r, Snapshot))


@pytest.mark.parametrize(
    ("norm", "company"),
    [
        (BatchNorm(4), 4),
        (BatchRenorm(4, 3.0, 5.0, 0.9, 20), 0),
        (NoisyNorm(4, 1e-5, ShiftAndScaleNoise(4)), 11),
    ],
)
def test_gradients_and_statistics_are_those_of_the_plain_lines(
    norm: Normaliser, company: int
) -> None:
    sorted_ghosts = first_come(class_sorted, 4)
    run = arm(norm, company=company, arrangement=sorted_ghosts, steps=12, probes=SHADOWED)
    data = splits()
    state = snapshot_of(run, data).state
    taken = first_batch(data.train, 8 + company)
    rows = Rows(taken[:, :8], taken[:, 8:])

    def results(passes: Passes) -> list[np.ndarray]:
        draws = generators(2)
        gradients = [passes.gradients(rows, Randomness(draws, draws)) for _ in range(2)]
        epoch = passes.propagated(draws)
        assert (epoch.norm_batch_size, epoch.ghosts) == (
            norm.sharing(8 + company),
            (8 + company) // norm.sharing(8 + company),
        )
        moments = [part for of_layer in epoch.moments.values() for part in of_layer]
        named = [one[name][key] for one in gradients for name in NAMES for key in sorted(one[name])]
        return [*named, *moments]

    both = passes_of(run, data.train, state, run.network), plain_passes_of(run, data.train, state)
    ours, theirs = (results(passes) for passes in both)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


ARMS: dict[str, Normaliser | None] = {
    "batch norm": BatchNorm(4),
    "renorm": BatchRenorm(4, 3.0, 5.0, 0.9, 20),
    "layer norm": LayerNorm(),
    "none": None,
}


@pytest.mark.parametrize("arm_of", ARMS)
@pytest.mark.parametrize(("dtype", "off"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_everything_measured_is_what_the_plain_lines_measure(
    arm_of: str, dtype: type, off: float
) -> None:
    """From the same draws, at weights after some steps."""
    run, data = replace(arm(ARMS[arm_of], steps=12), probes=AT_TWELVE), splits(dtype=dtype)
    state = snapshot_of(run, data).state
    pairs = (path(run, data, replace(state, step=12), generators(2)) for path in (measured, plain))
    ours, theirs = (numbers(list(records)) for records in pairs)
    assert len(ours) == len(theirs) >= 3
    for one, other in zip(ours, theirs, strict=True):
        for name, value in other.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(one[name], value, rtol=off, atol=off)
            else:
                assert one[name] == value

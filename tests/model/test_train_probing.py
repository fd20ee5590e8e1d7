"""Measuring changes neither training nor other measurements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.records import Curve
from caviar.model.steps.setup import Training
from tests.model.helpers import (
    records_of,
    run,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)

SPLITS = small_splits(2)
ALL_STEPS = frozenset(range(1, 10))
NOTHING = small_probes(evaluation_steps=frozenset(), probe_steps=frozenset())


def _training_alone(training: Training) -> list[tuple[Array, ...]]:
    rows = records_of(Curve, training, SPLITS)
    return [(row.loss, row.gradient_norm, row.weight_norm) for row in rows]


@pytest.mark.parametrize(
    "changes",
    [{}, {"partitions": 3}, {"company": 8, "network": small_mlp(norm_batch_size=24, dropout=0.2)}],
)
def test_what_is_measured_changes_no_bit_of_training(changes: dict[str, Any]) -> None:
    """Neither the times, nor the number of measurements, nor a shadow matter."""
    plain = small_training(curve_steps=ALL_STEPS, probes=NOTHING, **changes)
    whole = small_probes(
        evaluation_steps=ALL_STEPS, probe_steps=ALL_STEPS, shadow=True, log_probabilities=True
    )
    measured = replace(plain, probes=whole)
    for one, other in zip(_training_alone(plain), _training_alone(measured), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_light_moment_before_changes_no_number_of_a_probed_one() -> None:
    last = frozenset({9})
    alone, after = (
        run(small_training(probes=small_probes(evaluation_steps=steps, probe_steps=last)), SPLITS)
        for steps in (last, frozenset({3, 6, 9}))
    )
    at_the_end = [r for r in after if getattr(r, "step", 0) == 9]
    expected = [r for r in alone if getattr(r, "step", 0) == 9]
    for one, other in zip(at_the_end, expected, strict=True):
        for name in vars(one):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))

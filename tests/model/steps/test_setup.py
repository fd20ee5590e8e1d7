"""Learning rates and epochs from a training's settings."""

from __future__ import annotations

import pytest

from caviar.model.steps.schedules import SCHEDULES
from tests.model.helpers import random_examples, small_training


def test_the_rate_of_a_step_is_the_schedule_s_before_it() -> None:
    training = small_training(schedule=SCHEDULES["step"], steps=8, learning_rate=0.2)
    rates = [training.rate_after(step) for step in range(8)]
    assert rates == pytest.approx([0.2] * 4 + [0.02] * 2 + [0.002] * 2, rel=1e-15)


@pytest.mark.parametrize(("examples", "steps"), [(48, 3), (47, 2), (16, 1)])
def test_an_epoch_has_whole_batches_alone(examples: int, steps: int) -> None:
    assert small_training(batch_size=16).steps_per_epoch(random_examples(examples)) == steps

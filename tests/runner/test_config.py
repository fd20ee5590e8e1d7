"""The identity of a trial, and what its fields allow."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.runner.config import TrialConfig
from tests.runner.helpers import TINY, plan_of

CHANGES: dict[str, Any] = {
    "learning_rate": 0.123,
    "norm_batch_size": 8,
    "hidden": (7,),
    "steps": 99,
    "seeds": (0, 1, 2),
    "dtype": "float64",
    "decays": (0.5,),
    "curve_rows": 4,
    "epsilon": 1e-4,
}


@pytest.mark.parametrize("field", CHANGES)
def test_the_identity_of_a_trial_is_its_content(field: str) -> None:
    config = plan_of(*TINY).trials[0]
    assert config.model_copy(update={field: CHANGES[field]}).trial_id != config.trial_id


def test_the_number_of_the_draw_is_not_part_of_the_identity() -> None:
    config = plan_of(*TINY).trials[0]
    assert config.model_copy(update={"draw": 5}).trial_id == config.trial_id


def test_an_identity_survives_a_round_trip() -> None:
    config = plan_of(*TINY).trials[0]
    assert TrialConfig(**config.model_dump(mode="json")).trial_id == config.trial_id
    assert len(config.trial_id) == 12 and set(config.trial_id) <= set("0123456789abcdef")

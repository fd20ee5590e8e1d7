"""What may be asked of theory, and what a question's parts are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from caviar.analysis.theory.question import Question

ASKED = Question(64, 0.9)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"norm_batch_size": 1}, "a batch of 1 has no variance"),
        ({"keep": "time_constant", "decay": 0.9}, "above 1 and below 1e12; got 0.9"),
        ({"decay": 1.0}, "from 0 to below 1; got 1"),
        ({"keep": "debiased", "decay": -0.1}, "from 0 to below 1; got -0.1"),
        ({"steps": 0}, "steps must be 1 or more; got 0"),
        ({"dataset_size": 63}, "a data set of 63 cannot fill one batch of 64"),
        ({"excess_kurtosis": -2.5}, "excess kurtosis is -2 or more"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(ASKED, **wrong)


def test_the_weight_of_an_update_follows_the_rule() -> None:
    assert ASKED.decay_per_update == 0.9
    assert replace(ASKED, keep="cumulative").decay_per_update == 0
    memory = replace(ASKED, keep="time_constant", decay=640.0)
    assert memory.decay_per_update == pytest.approx(math.exp(-64 / 640))


def test_the_rest_of_an_epoch_is_dropped() -> None:
    assert replace(ASKED, dataset_size=1000).batches_per_epoch == 15


def test_positions_and_devices() -> None:
    """4 images of 196 positions worth 10 are 40 values; 8 devices share an epoch."""
    images = Question(4, 0.9, dataset_size=1000, positions=196, devices=8)
    assert (images.values, images.population, images.batches_per_epoch) == (4, 1000, 31)
    worth = replace(images, effective_positions=10.0)
    assert (worth.values, worth.population) == (40, 10_000)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"effective_positions": 0.5}, "9 positions are worth 1 to 9 independent ones; got 0.5"),
        ({"effective_positions": 10.0}, "got 10"),
        ({"norm_batch_size": 1}, "say with --effective-positions"),
        (
            {"norm_batch_size": 1, "effective_positions": 1.5},
            "one example whose positions are worth 1.5",
        ),
        ({"dataset_size": 500, "devices": 8}, "500 cannot fill one batch of 512"),
        ({"devices": 0}, "devices and positions must be 1 or more"),
        ({"input_variance": 0.0}, "variance is above 0; got 0"),
        ({"input_mean": float("nan")}, "mean must be finite; got nan"),
    ],
)
def test_what_cannot_be_asked_of_a_convolution(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(ASKED, positions=9, **wrong)

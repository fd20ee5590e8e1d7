"""The decay that exact errors call for is their minimum, or the shortest that is enough."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.theory.optimum import (
    DIVERGENCE,
    LONGEST,
    STALE,
    best_decay,
    is_stale,
    reducible,
    with_decay,
)
from caviar.analysis.theory.question import Question
from caviar.analysis.theory.running_mean import lag


def errors_near(question: Question, decay: float) -> list[float]:
    memory = 1 / (1 - decay)
    return [
        reducible(with_decay(question, 1 - 1 / m)) for m in (memory / 1.02, memory, memory * 1.02)
    ]


@pytest.mark.parametrize("second", ["unbiased", "biased", "inverse_deviation"])
def test_an_average_that_remembers_its_start_is_shortened_to_the_minimum(second: str) -> None:
    question = Question(32, 0.99, second=second, steps=160)  # type: ignore[arg-type]
    best = reducible(replace(question, decay=best_decay(question)))
    allowed = 1 - 1 / (1 + STALE * 160)
    every = [reducible(replace(question, decay=d)) for d in np.linspace(0.5, allowed, 200)]
    assert best <= min(every) * (1 + 1e-4)


def test_an_average_that_is_too_noisy_is_lengthened_no_more_than_needed() -> None:
    shorter, enough, _ = errors_near(Question(4, 0.5), best_decay(Question(4, 0.5)))
    assert enough <= DIVERGENCE < shorter
    assert reducible(Question(2, best_decay(Question(2, 0.0)))) <= DIVERGENCE


def test_no_memory_is_older_than_the_stale_share() -> None:
    """The mean age of an average of memory tau is tau - 1."""
    question = Question(2, 0.5, steps=50)
    decay = best_decay(question)
    assert lag("constant", decay, math.inf) <= STALE * 50 * (1 + 1e-9)
    assert 1 / (1 - best_decay(replace(question, decay=0.9999999))) <= LONGEST


def test_a_memory_in_samples_is_another_decay_at_every_batch() -> None:
    question = Question(8, 5000.0, keep="time_constant")
    assert with_decay(question, 0.9).decay_per_update == pytest.approx(0.9)
    assert with_decay(question, 0.0).decay_per_update < 1e-3
    assert with_decay(Question(8, 0.5), 0.9).decay == 0.9


def test_what_is_stale() -> None:
    """d / (1 - d) = 99 updates of age are a tenth of 990."""
    assert [is_stale(Question(8, 0.99, steps=steps)) for steps in (900, 1100, math.inf)] == [
        *(True, False, False)
    ]

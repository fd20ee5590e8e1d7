"""Statistics as they began: the loss tells whether the weights learned with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, readings, stored

BEGUN = [stored(layer(f"bn{i}"), 0.0, 1.0) for i in range(3)]


def test_zeros_and_ones_that_cost_were_never_written() -> None:
    layers = [replace(one, updates=0) for one in BEGUN]
    verdict = verdict_of(evidence(*layers, train=readings(stored=2.8, population=0.14)))
    assert verdict.cause == "never-updated"
    assert verdict.sentence == (
        "The statistics of all norms (bn0, bn1, bn2) are exactly 0 and 1, as they began and "
        "num_batches_tracked is 0: they were never written for these weights; the loss of the "
        "data given is 2.8 with them and 0.14 with the population's."
    )


def test_some_norms_that_were_never_written() -> None:
    layers = [*BEGUN[:1], layer("bn8"), layer("bn9")]
    verdict = verdict_of(evidence(*layers, train=readings(stored=0.8)))
    assert verdict.cause == "never-updated"
    assert "The statistics of 1 of 3 norms (bn0) are" in verdict.sentence


def test_zeros_and_ones_that_help_are_frozen() -> None:
    losses = readings(stored=1.698, population=2.018, batch=2.05)
    verdict = verdict_of(evidence(*BEGUN, train=losses))
    assert verdict.cause == "frozen"
    assert "is 1.7 with them, 2.02 with the population's and 2.05 with" in verdict.sentence
    assert verdict.actions[0] == "Do not recompute the statistics."


def test_weights_that_learned_nothing_did_not_learn_with_them() -> None:
    """A model as it was built, its weights forgotten: 0 and 1 suit it better by chance."""
    losses = readings(stored=2.303, population=2.48, batch=2.48)
    verdict = verdict_of(evidence(*BEGUN, train=losses, class_shares=np.full((9, 10), 0.1)))
    assert verdict.cause == "healthy"
    assert (
        "Guessing classes by their frequency gives 2.3, so the model is at best" in verdict.sentence
    )


def test_a_start_that_the_counted_updates_leave_was_not_frozen() -> None:
    """Momentum 0.001 after 96 updates leaves 91 %; by chance the loss is lower with that."""
    begun = [layer(f"bn{i}", momentum=0.001, updates=96, weight=0.999**96) for i in range(3)]
    verdict = verdict_of(evidence(*begun, train=readings(stored=1.698, population=2.018)))
    assert verdict.cause == "start"
    assert "still makes up 91 % of all statistics after 96 updates" in verdict.sentence
    frozen = [replace(one, updates=5, momentum=0.1) for one in BEGUN]  # 59 % if it were counted
    losses = readings(stored=1.698, population=2.018, batch=2.05)
    assert verdict_of(evidence(*frozen, train=losses)).cause == "frozen"


def test_statistics_that_are_those_of_batches_are_not_frozen() -> None:
    """Dropout makes evaluation better with what training stored; nothing was frozen."""
    assert verdict_of(evidence(train=readings(0.034, 0.059, 0.09))).cause == "healthy"


def test_weights_that_like_batches_as_much_are_not_frozen() -> None:
    assert verdict_of(evidence(*BEGUN, train=readings(0.5, 0.7, 0.5))).cause != "frozen"

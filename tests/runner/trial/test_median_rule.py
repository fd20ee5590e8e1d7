"""The median rule: the limits that earlier trials set, and the record at which a trial stops."""

from __future__ import annotations

import math

import numpy as np

from caviar.model.records import Evaluation
from caviar.runner.trial.median_rule import (
    FEWEST,
    PLACES,
    Limits,
    MedianRule,
    Whole,
    limits_of,
    place,
)

NAN, INF = math.nan, math.inf


def evaluation(
    step: int, *losses: float, split: str = "validation", statistics: str = "population"
) -> Evaluation:
    loss = np.array(losses)
    of_all = (step, split, statistics, "", 8, loss, loss, 40, 0, loss, loss)
    return Evaluation(*of_all)


def stopped_at(limits: Limits, *records: Evaluation, steps: int = 100) -> list[int]:
    """The steps of the records after which the rule has something to say."""
    rule, stops = MedianRule(limits, steps), []
    for record in records:
        rule.see(record)
        stops += [record.step] if rule.says else []
    return stops


def test_a_limit_is_the_median_of_the_last_measurement_of_each_trial() -> None:
    losses = (0.1, 0.7, 0.3, INF, 0.5)
    trials = [Whole(i, 100, {25: loss, 50: loss / 2}) for i, loss in enumerate(losses)]
    limits = limits_of(trials)
    assert len(limits) == PLACES and set(limits[:24]) == {INF}
    assert set(limits[24:49]) == {0.5} and set(limits[49:]) == {0.25}
    assert limits_of(trials[: FEWEST - 1]) == ()


def test_trials_of_other_lengths_are_compared_at_the_same_share_of_training() -> None:
    """A quarter of 113 updates is measured at 28 (24.8 %), and a quarter of 10 at 2 (20 %)."""
    assert [place(28, 113), place(2, 10), place(57, 113), place(113, 113)] == [25, 20, 50, 100]
    trials = [Whole(i, 113, {28: 1.0, 57: 0.5}) for i in range(FEWEST)]
    limits = limits_of(trials)
    assert limits[place(250, 1000)] == 1.0 and limits[place(500, 1000)] == 0.5
    assert limits[place(2, 10)] == INF  # At a fifth none of them had been measured.


def test_a_trial_stops_where_its_mean_is_above_the_limit_and_not_where_it_equals_it() -> None:
    limits = tuple([1.0] * PLACES)
    assert stopped_at(limits, evaluation(25, 0.5, 1.5), evaluation(50, 0.5, 1.51)) == [50]
    assert stopped_at(limits, evaluation(25, 0.0, NAN)) == [25]
    assert stopped_at(tuple([INF] * PLACES), evaluation(25, 0.0, NAN)) == []
    rule = MedianRule(limits, 100)
    rule.see(evaluation(25, 1.25))
    assert rule.says == (
        "stopped after 25 of 100 updates: validation loss 1.25 is above 1, the median of the "
        "trials drawn before"
    )


def test_only_validation_under_population_statistics_before_the_end_counts() -> None:
    limits = tuple([1.0] * PLACES)
    others = (
        evaluation(25, 2.0, split="test"),
        evaluation(25, 2.0, split="train"),
        evaluation(25, 2.0, statistics="batch"),
        evaluation(100, 2.0),
    )
    assert stopped_at(limits, *others) == [] and stopped_at((), evaluation(25, 2.0)) == []

"""Pauses, single steps and a pace, on a clock that the test moves."""

from __future__ import annotations

import pytest

from caviar.runner.panda.training.pacing import Pacing


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pause_holds_and_a_later_one_waits_for_its_step() -> None:
    pacing = Pacing(Clock(), None, False)
    assert pacing.limit(10, 100) == 100
    pacing.pause(10, 10)
    assert (pacing.paused, pacing.limit(10, 100)) == (True, 10)
    pacing.go()
    pacing.pause(30, 10)
    pacing.pause(20, 10)
    assert pacing.limit(10, 100) == 20
    pacing.went(10, 20)
    assert pacing.paused


def test_steps_and_then_a_pause() -> None:
    pacing = Pacing(Clock(), None, True)
    pacing.go(until=13)
    assert (pacing.paused, pacing.limit(10, 100)) == (False, 13)
    pacing.went(10, 13)
    assert (pacing.paused, pacing.limit(13, 100)) == (True, 13)
    pacing.go()
    assert pacing.limit(13, 100) == 100


def test_a_pause_ahead_holds_for_who_goes_on_and_not_for_who_was_going() -> None:
    pacing = Pacing(Clock(), None, True)
    pacing.pause(60, 10)
    pacing.go(until=13)
    pacing.went(10, 13)
    pacing.go()
    assert pacing.limit(13, 100) == 60
    pacing.go()
    assert pacing.limit(13, 100) == 100
    pacing.pause(60, 13)
    pacing.pause(13, 13)
    pacing.finish()
    assert (pacing.paused, pacing.pace, pacing.limit(13, 100)) == (False, None, 100)


def test_a_pace_is_kept_on_average_and_makes_up_for_little() -> None:
    clock = Clock()
    pacing, front = Pacing(clock, 10.0, False), 0
    for _ in range(1000):
        clock.now += 0.01
        limit = pacing.limit(front, 10**6)
        pacing.went(front, limit)
        front = limit
    assert front == pytest.approx(100, abs=2)
    assert pacing.rate == pytest.approx(10, rel=0.1)
    clock.now += 60.0  # The machine slept.
    assert pacing.limit(front, 10**6) <= front + 3


def test_the_rest_until_the_next_step_is_due() -> None:
    clock = Clock()
    pacing = Pacing(clock, 2.0, False)
    assert pacing.limit(0, 100) == 1
    pacing.went(0, 1)
    assert pacing.rest(10.0) == pytest.approx(0.5)
    assert pacing.rest(0.1) == pytest.approx(0.1)
    pacing.set_pace(None)
    assert pacing.rest(10.0) == 0
    assert pacing.limit(1, 100) == 100

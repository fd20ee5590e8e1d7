"""Following: it goes on when the run ends or cannot be read, says so, and ends by Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.living.follow import SECONDS, SHARE, follow


def looks(*states: str | Exception) -> Callable[[], dict[str, Any]]:
    """What gives these states one after the other, then Ctrl-C."""

    def each() -> Iterator[dict[str, Any]]:
        for i, state in enumerate(states):
            if isinstance(state, Exception):
                raise_next.append(state)
                yield {}
            else:
                yield {"state": state, "number": i, "problem": ""}

    raise_next: list[Exception] = []
    source = each()

    def look() -> dict[str, Any]:
        try:
            snapshot = next(source)
        except StopIteration:
            raise KeyboardInterrupt from None
        if raise_next:
            raise raise_next.pop()
        return snapshot

    return look


def test_it_follows_past_the_end_of_the_run() -> None:
    published: list[Any] = []
    told: list[str] = []
    naps: list[float] = []
    look = looks("running", "running", "finished", "finished")
    last = follow(look, published.append, told.append, lambda: 0.0, naps.append)
    assert [snapshot["number"] for snapshot in published] == [0, 1, 2, 3] and last["number"] == 3
    assert told == ["the run is being written", "the run has finished; still watching"]
    assert naps == [SECONDS] * 4


def test_what_cannot_be_read_leaves_the_last_look_and_says_why() -> None:
    published: list[Any] = []
    told: list[str] = []
    look = looks("running", RequestError("part-1 is damaged"), "running")
    follow(look, published.append, told.append, lambda: 0.0, lambda seconds: None)
    assert [(s["number"], s["problem"]) for s in published] == [
        *((0, ""), (0, "part-1 is damaged"), (2, "")),
    ]
    assert told[1] == "it cannot be read now: part-1 is damaged" and told[0] == told[2]


def test_a_first_look_that_fails_is_the_users_to_know() -> None:
    with pytest.raises(RequestError, match="no run"):
        follow(looks(RequestError("no run")), print, print, lambda: 0.0, lambda seconds: None)


def test_looking_takes_a_tenth_of_the_time() -> None:
    naps: list[float] = []
    clock = iter([0.0, 3.0, 10.0, 10.1])
    look, ignored = looks("running", "running", "running"), list[Any]()
    follow(look, ignored.append, ignored.append, lambda: next(clock, 99.0), naps.append)
    assert naps == [SECONDS, 3.0 / SHARE, SECONDS]


def test_nobody_is_told_to_resume_somebody_s_own_training() -> None:
    told: list[str] = []
    snapshots = iter([{"state": "died", "problem": "", "model": "watched training of Net"}])

    def look() -> dict[str, Any]:
        try:
            return next(snapshots)
        except StopIteration:
            raise KeyboardInterrupt from None

    follow(look, lambda snapshot: None, told.append, lambda: 0.0, lambda seconds: None)
    assert told == ["the run's process was killed; still watching"]

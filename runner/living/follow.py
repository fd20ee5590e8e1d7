"""Following a run: look at it again and again, publish what is seen, say what changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from caviar.runner.errors import RequestError, StorageError

SECONDS = 2.0
"""Between two looks, at least."""

SHARE = 0.1
"""Of the time at most this much is spent on looking, however large the run."""

Snapshot = Mapping[str, Any]

ENDED = {
    "finished": "the run has finished",
    "stopped": "the run has stopped; the same `caviar run` command resumes it",
    "died": "the run's process was killed; the same `caviar run` command resumes it",
}


def follow(
    look: Callable[[], Snapshot],
    publish: Callable[[Snapshot], None],
    tell: Callable[[str], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Snapshot:
    """Publish every look until Ctrl-C; returns the last one.

    `tell` gets a sentence when the run begins, ends, or cannot be read. The first look raises
    RequestError or StorageError; where a later one does, the last snapshot stands, with the reason
    as `problem`.
    """
    snapshot, told, spent = look(), "", 0.0
    try:
        while True:
            publish(snapshot)
            if told != (told := _state(snapshot)):
                tell(told)
            sleep(max(SECONDS, spent / SHARE))
            before = clock()
            snapshot = _again(look, snapshot)
            spent = clock() - before
    except KeyboardInterrupt:
        return snapshot


def _again(look: Callable[[], Snapshot], last: Snapshot) -> Snapshot:
    try:
        return look()
    except (RequestError, StorageError) as error:
        return {**last, "problem": str(error)}


def _state(snapshot: Snapshot) -> str:
    if snapshot.get("problem"):
        return f"it cannot be read now: {snapshot['problem']}"
    ended = ENDED.get(snapshot["state"])
    if ended and snapshot.get("model"):
        ended = ended.partition(";")[0]  # Only its owner can go on with a training.
    return "the run is being written" if ended is None else f"{ended}; still watching"

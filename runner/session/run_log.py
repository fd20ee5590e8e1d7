"""`log.jsonl`: what happened in a run, who did it and where, one JSON object per line."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from caviar.runner.session.loop import Progress
from caviar.runner.session.pace import PACE
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import (
    Event,
    Outcome,
    Refused,
    Started,
    WorkerDied,
    WorkerStarted,
)

LOG = "log.jsonl"


class RunLog:
    """Appends the events of a session; `clock` gives seconds since 1970, and `tell` gets each event
    at once, as a line of text.

    Lines wait at most as long as the storage asks for (1 s in a folder). A failure, a death and
    the end of the session wait for nothing. Raises StorageError as the storage does.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], float] = time.time,
        progress_seconds: float = PACE.line_seconds,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._progress_seconds = progress_seconds
        self._tell = tell
        self._lines: list[str] = []
        self._since = self._shown = clock()

    def begin(self, command: str, trials: int, already: int) -> None:
        """Write who begins to work on the run, before any worker is started."""
        who = {"host": platform.node(), "process": os.getpid(), "command": command}
        self._add("begin", **who, trials=trials, already=already)
        self._flush()

    def __call__(self, progress: Progress, event: Event) -> None:
        urgent = isinstance(event, WorkerDied)
        match event:
            case Started(trial, attempt):
                self._add("start", trial=trial, attempt=attempt)
            case WorkerDied(job, reason, machine_lost, host):
                who = {"trial": job.trial_id, "attempt": job.attempt, "host": host}
                retried = not progress.settled
                self._add("death", **who, machine_lost=machine_lost, reason=reason, retried=retried)
            case WorkerStarted(host, process):
                self._add("worker", host=host, process=process)
            case Refused(reason):
                self._add("refused", reason=reason)
        for note in progress.notes:
            self._add("note", text=note)
        for outcome in progress.settled:
            self._add("end", **_ended(outcome))
            urgent = urgent or outcome.status in ("failed", "lost")
        now = self._clock()
        if now - self._shown >= self._progress_seconds:
            self._add("progress", **_counts(progress))
            self._shown = now
        if urgent or now - self._since >= self._storage.append_seconds:
            self._flush()

    def end(self, progress: Progress) -> None:
        """Write how the session ended."""
        error = {"error": progress.cannot_start} if progress.cannot_start else {}
        event = "failed" if error else "interrupted" if progress.interrupted else "finished"
        self._add(event, **_counts(progress), **error)
        self._flush()

    def fail(self, error: BaseException) -> None:
        """Write what ended the session."""
        self._add("failed", error=f"{type(error).__name__}: {error}")
        self._flush()

    def _add(self, event: str, **fields: Any) -> None:
        if not self._lines:
            self._since = self._clock()
        line = {"time": stamp(self._clock()), "event": event, **fields}
        self._lines.append(json.dumps(line, allow_nan=False) + "\n")
        self._tell(" ".join([line["time"], event, *map(_named, fields.items())]))

    def _flush(self) -> None:
        if self._lines:
            self._storage.append(LOG, "".join(self._lines).encode())
            self._lines = []


def _named(field: tuple[str, Any]) -> str:
    name, value = field
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def _ended(outcome: Outcome) -> dict[str, Any]:
    named = ("attempt", "status", "steps", "rows", "host")
    facts = {name: getattr(outcome, name) for name in named}
    seconds = round(outcome.seconds, 3)
    error = {"error": outcome.error} if outcome.error else {}
    return {"trial": outcome.trial_id, **facts, "seconds": seconds, **error}


def _counts(progress: Progress) -> dict[str, Any]:
    left = progress.seconds_left
    return {
        "done": progress.done,
        "trials": progress.total,
        "failed": progress.failed,
        "rows": progress.rows,
        "seconds": round(progress.seconds, 3),
        "seconds_left": None if left is None else round(left, 3),
    }


def stamp(seconds: float) -> str:
    """Seconds since 1970 as `2026-11-28T01:02:03Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@dataclass(frozen=True)
class Session:
    """What the log says about its last session.

    `begin` is its first line; `end` its last, empty if it was killed or is still running;
    `progress` the last line with counts, empty if there is none; `running` the trials that were
    started and not ended.
    """

    begin: dict[str, Any]
    end: dict[str, Any]
    progress: dict[str, Any]
    running: list[str]


def last_session(storage: Storage) -> Session | None:
    """The last session of a run's log; None for a run without a log."""
    begin: dict[str, Any] = {}
    end: dict[str, Any] = {}
    progress: dict[str, Any] = {}
    running: dict[str, None] = {}
    for line in read_log(storage):
        match line["event"]:
            case "begin":
                begin, end, progress, running = line, {}, {}, {}
            case "start":
                running[str(line.get("trial"))] = None
            case "end" | "death":
                running.pop(str(line.get("trial")), None)
            case "finished" | "interrupted" | "failed":
                end, running = line, {}
        if {"rows", "seconds", "done"} <= line.keys():
            progress = line
    return Session(begin, end, progress, list(running)) if begin else None


def read_log(storage: Storage) -> Iterator[dict[str, Any]]:
    """The lines of a run's log, in order; a torn line is passed over."""
    for line in storage.appended(LOG).split(b"\n"):
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if isinstance(fields, dict) and isinstance(fields.get("event"), str):
            yield fields

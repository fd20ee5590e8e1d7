"""Short trials travel together: their jobs on the way to a worker, their events on the way back."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from caviar.runner.data.splits import Data
from caviar.runner.executors.executor import RunTrial
from caviar.runner.trial.events import Event, Job, Outcome

BATCH_SECONDS = 0.2
"""Trials that are shorter than this travel together: so long do they keep a worker busy, beside
which the milliseconds of a message do not count."""

MOST_JOBS = 256
"""In one message."""

REMEMBERED = 8
"""How many finished trials tell how long the next ones take."""


class JobQueue:
    """Jobs in the order of submission, taken one by one or, if trials are short, several at once.

    A worker runs the jobs that it took in their order, so that only the first unfinished one can
    have killed it. After a death each of its jobs travels alone, so that none is charged again
    for what another one did. A job with a checkpoint travels alone too.
    """

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._alone: set[str] = set()
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def clear(self) -> None:
        self._waiting.clear()

    def first(self) -> Job:
        """The job that is taken next; it stays."""
        return self._waiting[0]

    def take_one(self) -> Job:
        return self._waiting.popleft()

    def take(self, workers: int) -> list[Job]:
        """The next jobs for one worker: one, or as many short ones as fill `BATCH_SECONDS`.

        Of the jobs that are left a worker takes at most its half share, so that all end at about
        the same time.
        """
        share = math.ceil(len(self._waiting) / (2 * workers))
        jobs = [self.take_one()]
        most = 1 if self._travels_alone(jobs[0]) else min(self._together(), share)
        while len(jobs) < most and not self._travels_alone(self.first()):
            jobs.append(self.take_one())
        return jobs

    def finished(self, outcome: Outcome) -> None:
        """Learn from a trial how long the next ones take; longest first, so about as long."""
        if outcome.status == "completed":  # One that diverged may have stopped early.
            self._seconds.append(outcome.seconds)

    def returned(self, jobs: Sequence[Job]) -> Job:
        """The unfinished jobs of a dead worker: the one that it ran; the others wait, in front."""
        self._alone.update(job.trial_id for job in jobs)
        self._waiting.extendleft(reversed(jobs[1:]))
        return jobs[0]

    def _together(self) -> int:
        if not self._seconds:
            return 1
        return min(MOST_JOBS, max(1, int(BATCH_SECONDS / max(*self._seconds, 1e-9))))

    def _travels_alone(self, job: Job) -> bool:
        return job.checkpoint is not None or job.trial_id in self._alone


def messages(
    run: RunTrial,
    jobs: Sequence[Job],
    data: Data,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[list[Event]]:
    """The events of jobs, one after the other, in lists that are at least `seconds` apart.

    A message costs more than an event. The first event of a job that travels alone is sent at
    once: it says that the trial is running. The last list holds what is left, and may come earlier.
    """
    message: list[Event] = []
    sent = clock() if len(jobs) > 1 else -math.inf
    for job in jobs:
        for event in run(job, data):
            message.append(event)
            if clock() - sent >= seconds:
                yield message
                message, sent = [], clock()
    if message:
        yield message

"""run_study: the loop that joins executor and sink."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from caviar.runner.config import TrialConfig
from caviar.runner.executors.executor import Executor
from caviar.runner.session.pace import PACE, Pace
from caviar.runner.session.stopping.waves import Waves
from caviar.runner.store.sink import MetricSink
from caviar.runner.trial.events import (
    Block,
    Checkpoint,
    Event,
    Job,
    Outcome,
    Refused,
    Started,
    Status,
    WorkerDied,
)

DEATHS = 3
"""The number of workers that a trial may kill in one session before it counts as `failed`."""

NEVER_RAN = 5
"""How many workers in a row may fail before they take a trial, if none ever took one."""

KEPT = 8
"""How many failures are listed when a run ends."""

LOSSES = 10
"""The number of machines that a trial may lose in one session before it counts as `lost`."""


@dataclass
class Progress:
    """The progress of a run; costs are estimates in multiply-adds.

    `settled` are the outcomes that the last event brought, `failures` the first `KEPT` of the
    trials that failed or were lost.
    """

    total: int
    already: int
    cost: dict[str, float]
    running: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    retries: int = 0
    notes: list[str] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    cost_done: float = 0.0
    cost_in_all: float = field(init=False)
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    settled: list[Outcome] = field(default_factory=list)
    failures: list[Outcome] = field(default_factory=list)
    interrupted: bool = False
    never_ran: int = 0
    cannot_start: str = ""

    def __post_init__(self) -> None:
        self.cost_in_all = sum(self.cost.values())
        self.started = self.clock()

    @property
    def done(self) -> int:
        return self.already + sum(self.outcomes.values())

    @property
    def failed(self) -> int:
        return self.outcomes["failed"] + self.outcomes["lost"]

    @property
    def seconds(self) -> float:
        return self.clock() - self.started

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the share of the cost that is done; None before the first trial."""
        if not self.cost_done:
            return None
        left = self.cost_in_all - self.cost_done
        return max(0.0, left * self.seconds / self.cost_done)


STEP_COST = 5e6
"""About 0.5 ms of calls per step, in multiply-adds of a core: tiny steps take at least this."""

Observer = Callable[[Progress, Event], None]


def run_study(
    jobs: Sequence[Job],
    executor: Executor,
    sink: MetricSink,
    observe: Observer,
    *,
    already: int = 0,
    stop: Callable[[], bool] = lambda: False,
    pace: Pace = PACE,
    in_waves: Callable[[Sequence[Job]], Waves] = Waves,
) -> Progress:
    """Run the jobs, longest first (of each wave), and send every row and outcome to the sink.

    A dead worker costs its trial the work since its last checkpoint: the trial resumes as another
    attempt, until it has killed `DEATHS` workers or lost `LOSSES` machines. Events of a given-up
    attempt are ignored. `stop` is called after every event; once it returns true, the loop ends
    with `interrupted` set. The caller closes executor and sink.
    """
    progress = Progress(len(jobs) + already, already, _costs(jobs))
    current = {job.trial_id: job.attempt for job in jobs}
    seconds = pace.between_checkpoints(executor.workers)
    waves = in_waves([replace(job, checkpoint_seconds=seconds) for job in jobs])
    for job in _resumed(waves.due(), sink, progress):
        executor.submit(job)
    for event in executor.events():
        progress.settled.clear()
        again = _taken(event, current, progress, sink)
        current.update({job.trial_id: job.attempt for job in again})
        waves.see(event, progress.settled)
        for job in [*again, *_resumed(waves.due(), sink, progress)]:
            executor.submit(job)
        _watch_starts(event, progress)
        sink.tick()
        observe(progress, event)
        if progress.cannot_start:
            break
        if stop():
            progress.interrupted = True
            break
    return progress


def _costs(jobs: Sequence[Job]) -> dict[str, float]:
    return {job.trial_id: estimated_cost(job.config) for job in jobs}


def _watch_starts(event: Event, progress: Progress) -> None:
    """Count workers that failed before any took a trial; note the cause after `NEVER_RAN`."""
    if isinstance(event, WorkerDied) and event.never_ran and progress.never_ran >= 0:
        progress.never_ran += 1
        if progress.never_ran == NEVER_RAN:
            progress.cannot_start = event.reason
    elif isinstance(event, Started):
        progress.never_ran = -1  # One has run: from here on, each trial counts its own deaths.


def _taken(
    event: Event, current: Mapping[str, int], progress: Progress, sink: MetricSink
) -> list[Job]:
    """Record an event of a current attempt; returns the jobs that must run again."""
    match event:
        case Started() if event.attempt == current[event.trial_id]:
            progress.running.add(event.trial_id)
        case Block() if event.attempt == current[event.trial_id]:
            sink.write(event)
            progress.rows += event.rows
        case Checkpoint() if event.attempt == current[event.trial_id]:
            sink.checkpoint(event)
        case Outcome() if event.attempt == current[event.trial_id]:
            _settle(event, progress, sink)
        case WorkerDied(job) if job.attempt == current[job.trial_id]:
            return _resumed(_after_death(event, progress, sink), sink, progress)
        case Refused():
            progress.notes.append(event.reason)
    return []


def _resumed(jobs: Sequence[Job], sink: MetricSink, progress: Progress) -> list[Job]:
    """The jobs with their checkpoints, longest first."""
    if not jobs:  # As after most events.
        return []
    resumed, notes = sink.resume(jobs)
    progress.notes.extend(notes)
    going_on = [job.trial_id for job in resumed if job.checkpoint is not None]
    if going_on:
        more = f" and {len(going_on) - 8} more" if len(going_on) > 8 else ""
        progress.notes.append(f"resuming from checkpoints: {', '.join(going_on[:8])}{more}")
    return sorted(resumed, key=lambda job: -progress.cost[job.trial_id])


def _after_death(died: WorkerDied, progress: Progress, sink: MetricSink) -> list[Job]:
    """The next attempt at a trial whose worker died; none once it is given up."""
    job = died.job
    progress.running.discard(job.trial_id)
    counted, most = (progress.losses, LOSSES) if died.machine_lost else (progress.deaths, DEATHS)
    counted[job.trial_id] += 1
    if counted[job.trial_id] < most:
        progress.retries += 1
        return [replace(job, attempt=job.attempt + 1, checkpoint=None)]
    status: Status = "lost" if died.machine_lost else "failed"
    error = f"{died.reason}, {most} times"
    ended = Outcome(job.trial_id, job.attempt, status, host=died.host, error=error)
    _settle(ended, progress, sink)
    return []


def _settle(outcome: Outcome, progress: Progress, sink: MetricSink) -> None:
    sink.commit(outcome)
    progress.running.discard(outcome.trial_id)
    progress.outcomes[outcome.status] += 1
    progress.cost_done += progress.cost[outcome.trial_id]
    progress.settled.append(outcome)
    if outcome.status in ("failed", "lost") and len(progress.failures) < KEPT:
        progress.failures.append(outcome)


def estimated_cost(config: TrialConfig) -> float:
    """Multiply-adds of a trial's hidden-layer products, with the extra cost of small ghosts and
    the fixed cost of a step.

    Only the order matters: long trials go first, so that none runs alone at the end.
    """
    widths = [*config.hidden, 16]
    weights = sum(a * b for a, b in zip(widths[:1] + widths[:-1], widths, strict=True))
    per_example = weights + 50 * sum(widths) * (1 + 4 / config.norm_batch_size)
    return float(config.steps * (STEP_COST + len(config.seeds) * config.batch_size * per_example))

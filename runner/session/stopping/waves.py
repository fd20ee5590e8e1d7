"""In which order the trials of a run are given out: all at once, or wave by wave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa

from caviar.runner.store.part_files import read_columns, read_rows
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import WHOLE, Block, Event, Job, Outcome
from caviar.runner.trial.median_rule import Whole, limits_of, mean_loss

FIRST = 8
"""Draws of the first wave, whose trials all train to their end."""

Losses = Mapping[int, float]
"""Mean validation losses of a trial over its seeds, in nats, by update."""


class Before(NamedTuple):
    """What earlier sessions left: trials that trained to their end, and the losses of others."""

    whole: Mapping[str, Whole] = {}
    begun: Mapping[str, Losses] = {}


NOTHING = Before()


def at_once(draw: int) -> int:
    """Every trial is in the first wave."""
    return 0


def doubling(draw: int) -> int:
    """The wave of a draw: 0 for the first `FIRST` draws; each other has as many as all before it.

    >>> [doubling(draw) for draw in (0, 7, 8, 15, 16, 31, 32)]
    [0, 0, 1, 1, 2, 2, 3]
    """
    return (draw // FIRST).bit_length()


class Waves:
    """Gives out jobs wave by wave, with the limits that the trials of all waves before set.

    So whether a trial is stopped depends on its draw and on those before, neither on the number of
    workers nor on which trial ends first, and a resumed run stops the same ones.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        wave_of: Callable[[int], int] = at_once,
        before: Before = NOTHING,
    ) -> None:
        self._wave_of = wave_of
        self._whole = dict(before.whole)
        self._losses = {trial: dict(losses) for trial, losses in before.begun.items()}
        self._waiting: dict[int, list[Job]] = defaultdict(list)
        for job in jobs:
            self._waiting[wave_of(job.config.draw)].append(job)
        self._running: dict[str, Job] = {}

    def due(self) -> list[Job]:
        """The jobs of the next wave, once all of the wave before have ended; none until then."""
        if self._running or not self._waiting:
            return []
        wave = min(self._waiting)
        limits = limits_of([t for t in self._whole.values() if self._wave_of(t.draw) < wave])
        jobs = self._waiting.pop(wave)
        jobs = [replace(job, limits=limits) for job in jobs] if limits else jobs
        self._running = {job.trial_id: job for job in jobs}
        return jobs

    def see(self, event: Event, settled: Iterable[Outcome]) -> None:
        """Note the losses that an event brings, and the trials that ended with it."""
        if isinstance(event, Block) and event.table == "evaluations" and self._waiting:
            self._losses.setdefault(event.trial_id, {}).update(_losses(event.columns))
        for outcome in settled:
            job = self._running.pop(outcome.trial_id, None)
            losses = self._losses.pop(outcome.trial_id, {})
            if job is not None and outcome.status in WHOLE:
                whole = Whole(job.config.draw, job.config.steps, losses)
                self._whole[outcome.trial_id] = whole


def waves_of(plan: Plan, storage: Storage) -> Callable[[Sequence[Job]], Waves]:
    """How the jobs of a plan are given out in the run that lies in a storage."""
    if plan.study.stop is None:
        return Waves
    return partial(Waves, wave_of=doubling, before=_before(storage))


NAMES = ("seed", "step", "split", "statistics", "loss")


def _before(storage: Storage) -> Before:
    rows = read_columns(storage, "evaluations", ["trial_id", *NAMES])
    losses = {trial: _losses(columns) for trial, columns in _by_trial(rows)}
    ended = read_rows(storage, "outcomes", ["trial_id", "status"])
    ends = dict(zip(ended["trial_id"], ended["status"], strict=True))
    planned = read_rows(storage, "trials", ["trial_id", "draw", "steps"])
    whole = {
        trial: Whole(draw, steps, losses.pop(trial, {}))
        for trial, draw, steps in zip(*planned.values(), strict=True)
        if ends.get(trial) in WHOLE
    }
    return Before(whole, losses)


def _by_trial(rows: pa.Table) -> Iterable[tuple[str, dict[str, list[Any]]]]:
    grouped = rows.group_by("trial_id").aggregate([(name, "list") for name in NAMES]).to_pydict()
    for i, trial in enumerate(grouped["trial_id"]):
        yield trial, {name: grouped[f"{name}_list"][i] for name in NAMES}


def _losses(columns: Mapping[str, list[Any]]) -> dict[int, float]:
    """The mean over seeds of the validation loss under population statistics, by update."""
    by_step: dict[int, dict[int, float]] = defaultdict(dict)
    for seed, step, split, statistics, loss in zip(*(columns[name] for name in NAMES), strict=True):
        if (split, statistics) == ("validation", "population"):
            by_step[step][seed] = loss
    return {step: mean_loss([of[seed] for seed in sorted(of)]) for step, of in by_step.items()}

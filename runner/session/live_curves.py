"""Losses of a run while it runs, a sparkline per arm or size, from the rows that pass by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.runner.trial.events import Block, Event, Job, Outcome

STRETCHES = 16
"""A sparkline has so many signs, each for an equal share of a trial's updates."""

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-~=+*#"
"""The same heights where the encoding of a terminal lacks blocks."""

MOST = 12
"""Of more groups the first are shown."""

COMPARED = (("arm", "{}"), ("norm_batch_size", "m = {}"), ("batch_size", "B = {}"))
"""What tells groups apart, the first of these that differs between trials, and how it is shown."""

KINDS = ("train", "validation")


class Line(NamedTuple):
    """A group: its name, both sparklines, and how many of its trials have ended."""

    name: str
    train: str
    validation: str
    ended: int
    trials: int


class LiveCurves:
    """Losses by group and stretch of training; geometric means over trials and seeds.

    Train-mode loss, and validation loss under population statistics; what is not finite or not
    above zero is left out. Without groups (one alone) there is a single line of all trials.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._group = group_of(jobs)
        self._steps = {job.trial_id: job.config.steps for job in jobs}
        self._trials = Counter(self._group.values())
        self._names = list(self._trials)[:MOST]
        self._ended: Counter[str] = Counter()
        shape = (len(self._names), len(KINDS), STRETCHES)
        self._logs, self._counts = np.zeros(shape), np.zeros(shape)

    def __call__(self, event: Event) -> None:
        """Take in what an event tells."""
        match event:
            case Outcome():
                self._ended[self._group.get(event.trial_id, "")] += 1
            case Block(table="curves"):
                self._add(event, 0, np.ones(event.rows, bool))
            case Block(table="evaluations"):
                of = zip(event.columns["split"], event.columns["statistics"], strict=True)
                self._add(event, 1, np.array([it == ("validation", "population") for it in of]))

    def _add(self, block: Block, kind: int, wanted: NDArray[Any]) -> None:
        name = self._group.get(block.trial_id)
        if name not in self._names:
            return
        loss = np.asarray(block.columns["loss"], float)
        wanted = wanted & np.isfinite(loss) & (loss > 0)
        step = np.asarray(block.columns["step"])[wanted]
        stretch = ((step * STRETCHES - 1) // self._steps[block.trial_id]).clip(0, STRETCHES - 1)
        place = self._names.index(name), kind
        np.add.at(self._logs[place], stretch, np.log(loss[wanted]))
        np.add.at(self._counts[place], stretch, 1)

    def lines(self, signs: str = BLOCKS) -> list[Line]:
        """A line per group; heights are shared by all groups, on a logarithmic scale."""
        with np.errstate(invalid="ignore"):
            means = self._logs / self._counts
        train, validation = (_sparklines(means[:, kind], signs) for kind in range(len(KINDS)))
        return [
            Line(name, one, other, self._ended[name], self._trials[name])
            for name, one, other in zip(self._names, train, validation, strict=True)
        ]


def group_of(jobs: Sequence[Job]) -> dict[str, str]:
    """The group of every trial by what differs: its arm, its size, or nothing."""
    for field, shown in COMPARED:
        values = {job.trial_id: getattr(job.config, field) for job in jobs}
        if len(set(values.values())) > 1:
            ordered = sorted(values, key=lambda trial: values[trial])
            return {trial: shown.format(values[trial]) for trial in ordered}
    return {job.trial_id: "all trials" for job in jobs}


def _sparklines(means: NDArray[Any], signs: str) -> list[str]:
    """One per row of `(groups, stretches)`; nothing stands where nothing was measured."""
    known = np.isfinite(means)
    if not known.any():
        return [" " * means.shape[1]] * len(means)
    low, high = means[known].min(), means[known].max()
    share = (means - low) / (high - low) if high > low else np.zeros(means.shape)
    heights = np.where(known, share * (len(signs) - 1), 0).round().astype(int)
    return [
        "".join(signs[height] if is_known else " " for height, is_known in zip(*row, strict=True))
        for row in zip(heights, known, strict=True)
    ]


def signs_for(encoding: str | None) -> str:
    """Blocks, or plain signs where the encoding lacks them."""
    try:
        BLOCKS.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return BLOCKS


def laid_out(lines: Sequence[Line], width: int) -> str:
    """The lines as text no wider than a terminal: both sparklines side by side, or one below the
    other."""
    name = max((len(line.name) for line in lines), default=0)
    count = max((len(f"{line.ended}/{line.trials}") for line in lines), default=0)
    ended = [f"{line.ended}/{line.trials}".rjust(count) for line in lines]
    if name + count + 2 * STRETCHES + 6 <= width:
        gap = STRETCHES + 2
        rows = [f"{'':{name}}  {'train loss':{gap}}{'validation loss':{gap}}ended"]
        rows += [
            f"{line.name:{name}}  {line.train}  {line.validation}  {end}"
            for line, end in zip(lines, ended, strict=True)
        ]
    else:
        rows = ["loss: train, then validation"]
        for line, end in zip(lines, ended, strict=True):
            rows += [f"{line.name} {end}", line.train, line.validation]
    return "\n".join(row.rstrip()[:width] for row in rows)

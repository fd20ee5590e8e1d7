"""Which trials of a random search have no chance: the median rule, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array
from caviar.model.records import Evaluation, Record

PLACES = 100
"""Moments are compared by hundredths of training, since trials differ in their updates."""

FEWEST = 5
"""No trial is held against fewer than this, as in Optuna's MedianPruner (`n_startup_trials`)."""

Limits = tuple[float, ...]
"""The highest validation loss, in nats, that may go on at each hundredth of training."""


class Whole(NamedTuple):
    """A trial that trained to its end: its draw, its updates, and its mean validation loss over
    seeds in nats by update, infinite where a seed's is not finite."""

    draw: int
    steps: int
    losses: Mapping[int, float]


def mean_loss(losses: Sequence[float] | Array) -> float:
    """The mean over seeds; infinite if one of them is not finite."""
    mean = float(np.mean(losses, dtype=np.float64))
    return mean if np.isfinite(mean) else float("inf")


def place(step: int, steps: int) -> int:
    """The hundredth of training that ends nearest to a step."""
    return (200 * step + steps) // (2 * steps)


def limits_of(trials: Sequence[Whole]) -> Limits:
    """The median over trials of the validation loss last measured up to each hundredth of training.

    Infinite where fewer than `FEWEST` trials have been measured yet.

    This is the rule of Optuna's MedianPruner, which compares with the completed trials at the same
    step; Google Vizier's takes the running average of each of them (Golovin et al. 2017). Both hold
    the best value so far of a trial against it, and here it is the present one: trials are ranked
    by their last value.
    """
    if len(trials) < FEWEST:
        return ()
    losses = np.full((len(trials), PLACES), np.nan)
    for row, trial in zip(losses, trials, strict=True):
        for step in sorted(trial.losses):
            # From one hundredth before: the same moment of two trials may be rounded apart.
            row[max(0, place(step, trial.steps) - 1) :] = trial.losses[step]
    measured = np.isfinite(losses) | np.isinf(losses)
    known = measured.sum(axis=0) >= FEWEST
    limits = np.full(PLACES, np.inf)
    limits[known] = [np.median(column[~np.isnan(column)]) for column in losses[:, known].T]
    return tuple(limits.tolist())


class MedianRule:
    """Looks at the records of a trial of `steps` updates; `says` why it is stopped, once it is."""

    def __init__(self, limits: Limits, steps: int) -> None:
        self._limits = limits
        self._steps = steps
        self.says = ""

    def see(self, record: Record) -> None:
        """Hold a validation loss against the limit of its moment; the last one stops nothing."""
        if not self._limits or not isinstance(record, Evaluation) or record.step >= self._steps:
            return
        if (record.split, record.statistics) != ("validation", "population"):
            return
        loss, limit = mean_loss(record.loss), self._limits[place(record.step, self._steps)]
        if loss > limit:
            self.says = (
                f"stopped after {record.step} of {self._steps} updates: validation loss "
                f"{loss:.4g} is above {limit:.4g}, the median of the trials drawn before"
            )

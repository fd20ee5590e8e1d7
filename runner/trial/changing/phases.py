"""A trial whose config lists changes, as the phases between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from caviar.model.steps.setup import Training
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.fields.changes import Change, in_turn, read_change
from caviar.runner.trial.build import build


class Phase(NamedTuple):
    """Steps under one setting: those after `begin`, up to `end`.

    `changes` are what is done at `begin`, in their order; `config` is what is in force after them.
    """

    begin: int
    end: int
    changes: tuple[Change, ...]
    config: TrialConfig


def changes_of(config: TrialConfig) -> tuple[Change, ...]:
    """What changes during a trial, in order."""
    return tuple(map(read_change, config.changes))


def fields_of(config: TrialConfig) -> dict[str, Any]:
    """The fields of a config by name."""
    return {name: getattr(config, name) for name in TrialConfig.model_fields}


def in_force(config: TrialConfig, step: int) -> TrialConfig:
    """The config, without changes, that trains the step after `step`."""
    return _under_first(config, _done(config, step))


def phases(config: TrialConfig) -> tuple[Phase, ...]:
    """All steps of a trial; one phase where nothing changes."""
    changes = changes_of(config)
    begins = sorted({0, *(change.step for change in changes)})
    ends = [*begins[1:], config.steps]
    return tuple(
        Phase(begin, end, tuple(c for c in changes if c.step == begin), in_force(config, begin))
        for begin, end in zip(begins, ends, strict=True)
    )


def trainings_of(config: TrialConfig, data: Data) -> Iterator[Training]:
    """The training of each phase."""
    return (training_after(config, data, phase.begin) for phase in phases(config))


def training_after(config: TrialConfig, data: Data, step: int) -> Training:
    """The training that takes the step after `step`."""
    return training_with(config, data, _done(config, step))


def training_with(config: TrialConfig, data: Data, count: int) -> Training:
    """The training under the first `count` changes.

    What is measured when is decided by the settings of the start, so that a trial with changes has
    the rows of the same trial without them.
    """
    training = build(_under_first(config, count), data)
    if not config.changes:
        return training
    return replace(training, probes=build(_under_first(config, 0), data).probes)


def _done(config: TrialConfig, step: int) -> int:
    return sum(change.step <= step for change in changes_of(config))


def _under_first(config: TrialConfig, count: int) -> TrialConfig:
    """The config without changes that is in force after the first `count` of them."""
    if not config.changes:
        return config
    *_, fields = in_turn({**fields_of(config), "changes": config.changes[:count]})
    return config.model_copy(update=fields)

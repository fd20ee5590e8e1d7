"""Trials that stop and resume: small ones, all their checkpoints, and checkpoints taken apart."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.trial.checkpoint import ABOUT
from caviar.runner.trial.events import Checkpoint, Event, Job
from caviar.runner.trial.gathered import Clock
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import plan_of, tiny
from tests.runner.trial.test_build import SMALL

MEASURED = ("hidden=[9, 6]", "evaluations=3", "probe_share=0.99", "norm_batch_size=8")
"""Two epochs of six steps; measured after steps 4, 8 and 12."""

EVERYTHING = (
    *("norm=renorm", "optimizer=adam", "weight_decay=0.01", "dropout=0.2", "partitions=2"),
    *("shadow=true", "norm_batch_size=40", "log_probabilities=true"),
)
"""A trial that draws from every stream and carries every kind of state."""


def trial(*settings: str) -> tuple[TrialConfig, Data]:
    plan = plan_of(*tiny(*MEASURED, *settings, study=SMALL))
    (config,) = plan.trials
    return config, plan.data


def attempted(
    config: TrialConfig,
    data: Data,
    checkpoint: bytes | None = None,
    attempt: int = 0,
    clock: Clock = time.perf_counter,
) -> list[Event]:
    """A whole attempt with a checkpoint after every step."""
    job = Job(config, config.trial_id, attempt, checkpoint, checkpoint_seconds=0.0)
    return list(run_trial(job, data, clock=clock, checkpoint_rest=0.0))


def checkpoints(events: list[Event]) -> dict[int, Checkpoint]:
    return {event.step: event for event in events if isinstance(event, Checkpoint)}


def until(events: list[Event], step: int) -> list[Event]:
    """The events before the checkpoint of a step."""
    return events[: events.index(checkpoints(events)[step])]


@cache
def everything() -> tuple[TrialConfig, Data, list[Event]]:
    """The events of a trial with every kind of state that was never stopped."""
    config, data = trial(*EVERYTHING)
    return config, data, attempted(config, data)


def members_of(content: bytes) -> dict[str, bytes]:
    """The members of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=compression)
    return file.getvalue()


def with_member(content: bytes, name: str, member: bytes) -> bytes:
    return archived(list((members_of(content) | {name: member}).items()))


def about_with(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    about = json.loads(members_of(content)[ABOUT])
    change(about)
    return with_member(content, ABOUT, json.dumps(about).encode())

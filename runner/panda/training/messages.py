"""What a driver and the worker of a panda tell each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from caviar.runner.config import TrialConfig
from caviar.runner.panda.decide import Asked, Decision
from caviar.runner.panda.requests import Request
from caviar.runner.panda.training.readings import Reading
from caviar.runner.panda.tree import Intervention
from caviar.runner.panda.view import State
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome
from caviar.runner.trial.kernels import TrainingPath


@dataclass(frozen=True)
class Opening:
    """What a worker begins with: the twin, all that was asked so far, and what is stored.

    `jobs` are those of lineages that began before, some with a checkpoint, by number; `ended` have
    an outcome. `births` and `snapshots` are stored states, of lineages by number and by name;
    `read` are the steps of each lineage that were read already. `step` is the least that the
    current lineage stands after: what lies before it is trained again, before anything is decided.
    """

    twin: TrialConfig
    interventions: tuple[Intervention, ...]
    path: TrainingPath = TrainingPath.numpy
    jobs: dict[int, Job] = field(default_factory=dict)
    ended: frozenset[int] = frozenset()
    births: dict[int, bytes] = field(default_factory=dict)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    read: dict[int, frozenset[int]] = field(default_factory=dict)
    pace: float | None = None
    paused: bool = False
    step: int = 0
    checkpoint_seconds: float = 10.0

    def going_on(self, status: Status) -> Opening:
        """The same where another worker stood."""
        return replace(self, pace=status.pace, paused=status.paused, step=status.step)


@dataclass(frozen=True)
class Advance:
    """Train for so many seconds, then tell."""

    seconds: float


@dataclass(frozen=True)
class Ask:
    """A request, and who asked."""

    request: Request
    asked: Asked


@dataclass(frozen=True)
class Keep:
    """Make checkpoints of everything now: no further call comes."""


Call = Opening | Advance | Ask | Keep


class Birth(NamedTuple):
    """The state that a lineage began with, as a checkpoint."""

    lineage: int
    trial_id: str
    content: bytes


class Shot(NamedTuple):
    """A snapshot that was taken, as a checkpoint."""

    name: str
    content: bytes


PandaEvent = Block | Checkpoint | Outcome | Reading | Birth | Shot


class Standing(NamedTuple):
    """Where a lineage stands."""

    step: int
    state: State


class Status(NamedTuple):
    """Where everything stands. `step` is that of the current lineage; `rate` is in steps per
    second; `busy`: there is something to train now; `ended`: nothing is left to train at all."""

    step: int
    standing: tuple[Standing, ...]
    learning_rate: float
    rate: float
    pace: float | None
    paused: bool
    busy: bool
    ended: bool


class Reply(NamedTuple):
    """What came of a call; with a `decision` it is the answer to a request."""

    events: list[PandaEvent]
    status: Status
    decision: Decision | None = None
    request: Request | None = None

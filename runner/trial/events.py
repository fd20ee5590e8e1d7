"""What a worker tells the driver about a trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from caviar.runner.config import TrialConfig
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.median_rule import Limits
from caviar.runner.trials import CompactConfig

Status = Literal["completed", "diverged", "stopped", "failed", "lost"]
WHOLE: frozenset[Status] = frozenset({"completed", "diverged"})
"""Outcomes of trials that trained to their end."""
SETTLED: frozenset[Status] = WHOLE | {"stopped"}
"""Outcomes that a later session keeps; trials with any other outcome are tried again."""


@dataclass(frozen=True, slots=True)
class Job:
    """A trial to run, whole or compact, and which attempt at it this is.

    With a `checkpoint` the attempt resumes from it. The attempt sends a new one about every
    `checkpoint_seconds`. On the compiled `path` it trains on kernels if it has them. It is stopped
    at the first measurement of its validation loss that is above `limits`, if there are any.
    """

    trial: TrialConfig | CompactConfig
    trial_id: str
    attempt: int
    checkpoint: bytes | None = None
    checkpoint_seconds: float = 10.0
    path: TrainingPath = TrainingPath.numpy
    limits: Limits = ()

    @property
    def config(self) -> TrialConfig:
        return self.trial.config if isinstance(self.trial, CompactConfig) else self.trial


@dataclass(frozen=True)
class Block:
    """Rows of one table, by column: lists or arrays, all of the same length."""

    trial_id: str
    attempt: int
    table: str
    columns: dict[str, Any]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Outcome:
    """How one attempt at a trial ended; `rows` counts the measurements that belong to it.

    `seconds` is the time of the whole attempt, `probe_seconds` that of measuring at frozen
    weights between steps.

    `diverged` is a result: at least one seed's loss stopped being finite (`diverged_seeds`).
    `stopped` is one too: the median rule of a random search ended it early, and `error` says where.
    `lost` means that the worker died; `failed` that the trial raised, with its traceback.
    `kernel`, `blas_threads`, `processor` and `path` are those that its last attempt computed with.
    `invariants` says whether the norm's exact identities held on the first batches: `passed`,
    `failed` (then the trial is `failed` too) or `none` where there is no norm to check.
    """

    trial_id: str
    attempt: int
    status: Status
    seconds: float = 0.0
    probe_seconds: float = 0.0
    steps: int = 0
    rows: int = 0
    diverged_seeds: tuple[int, ...] = ()
    invariants: str = "none"
    host: str = ""
    kernel: str = ""
    blas_threads: int = 0
    processor: str = ""
    path: str = ""
    error: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class Started:
    """A worker took the trial."""

    trial_id: str
    attempt: int


@dataclass(frozen=True)
class Checkpoint:
    """All that a trial needs to resume from `step`, as `caviar.runner.trial.checkpoint` packs it.

    Every block of rows up to that step is sent before it; `rows` is the number of those rows.
    """

    trial_id: str
    attempt: int
    step: int
    rows: int
    content: bytes


@dataclass(frozen=True)
class WorkerDied:
    """A worker died, and with it the attempt; `reason` is all that is known.

    `machine_lost`: its machine is gone or cannot be reached, which no trial can cause. `host` is
    empty if it is not known. `never_ran`: the worker failed before it could take a trial.
    """

    job: Job
    reason: str
    machine_lost: bool = False
    host: str = ""
    never_ran: bool = False


@dataclass(frozen=True)
class Refused:
    """A worker computes with another kernel than the driver, and so gets no trial."""

    reason: str


@dataclass(frozen=True)
class WorkerStarted:
    """A process that takes trials began."""

    host: str
    process: int


@dataclass(frozen=True)
class Idle:
    """Nothing happened for a moment: time to look at the clock."""


Event = Started | Block | Checkpoint | Outcome | WorkerDied | WorkerStarted | Refused | Idle

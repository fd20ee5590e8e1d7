"""One lineage being trained: from any state that is known, up to any step, the same bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caviar.model.records import Probing, Record
from caviar.model.steps.setup import Splits
from caviar.model.steps.snapshot import Snapshot
from caviar.runner.data.splits import Data
from caviar.runner.panda.tree import Lineage
from caviar.runner.trial.changing.apply_change import with_changes_due
from caviar.runner.trial.changing.phases import training_with
from caviar.runner.trial.checkpoint import CheckpointError, unpack
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome
from caviar.runner.trial.gathered import Clock, Gathered
from caviar.runner.trial.run_trial import path_of


class Trainee:
    """A lineage in training. `position` is its step, `known` whether its state is at hand.

    Records come once: where it is trained over steps that it was trained over before, none come.
    `kept` are states to go back to, by step; `sent` is whether its outcome has been sent.
    """

    def __init__(
        self, lineage: Lineage, job: Job, data: Data, splits: Splits, clock: Clock
    ) -> None:
        config = lineage.config
        self.lineage = lineage
        self.steps = config.steps
        self.training = training_with(config, data, len(config.changes))
        self._clock, self._worked, self._since = clock, 0.0, 0.0
        self._working = False
        self.gathered = Gathered(job, self._seconds)
        self.gathered.path, self._train = path_of(job.path, self.training)
        self.kept: dict[int, Snapshot] = {}
        self.sent = False
        self.done_until = lineage.born
        self._data, self._splits = data, splits
        self._origin: Snapshot | None = None
        self._snapshot: Snapshot | None = None
        self._at_end = False
        self._records: Iterator[Record] | None = None
        self._until = 0
        self._over: Callable[[], bool] = bool
        self._resume(job)

    def _resume(self, job: Job) -> None:
        if job.checkpoint is None:
            return
        snapshot, tally = unpack(job.checkpoint, job.config, self._data)
        self.gathered.go_on(tally)
        self.kept[snapshot.step] = self._snapshot = snapshot
        self.done_until = snapshot.step

    def _seconds(self) -> float:
        """Seconds that went into this lineage alone."""
        return self._worked + (self._clock() - self._since if self._working else 0.0)

    @property
    def known(self) -> bool:
        """Whether there is a state to train from: the twin begins by itself."""
        return self.lineage.number == 0 or self._snapshot is not None or self._at_end

    @property
    def position(self) -> int:
        """The step that it stands after."""
        if self._at_end:
            return self.steps
        return self.lineage.born if self._snapshot is None else self._snapshot.step

    @property
    def snapshot(self) -> Snapshot | None:
        """The state there; None before the first step."""
        return self._snapshot

    @property
    def diverged(self) -> bool:
        """Whether the loss of a seed has stopped being finite."""
        return bool(self.gathered.diverged.any())

    def keep(self, content: bytes) -> None:
        """Keep a state of this lineage that was stored; one that cannot be used is left."""
        try:
            snapshot = unpack(content, self.lineage.config, self._data).snapshot
        except CheckpointError:
            return
        if snapshot.step != self.lineage.born:
            self.kept[snapshot.step] = snapshot
            return
        self._origin = snapshot
        self.kept[snapshot.step] = self._changed(snapshot)
        if self._snapshot is None and not self._at_end:
            self._snapshot = self.kept[snapshot.step]

    def _changed(self, origin: Snapshot) -> Snapshot:
        return with_changes_due(origin, self.lineage.config, self._data, self._splits)

    def begin(self, origin: Snapshot) -> None:
        """Begin from a state of the parent, before the changes of its step."""
        self._origin, self._snapshot = origin, self._changed(origin)
        self.kept[origin.step] = self._snapshot
        self._at_end = False

    def before(self, step: int) -> Snapshot | None:
        """The state after a step before all changes of that step, if it is at hand."""
        if step == self.lineage.born:
            return self._origin
        return self.kept[step] if self.holds(step) else None

    def holds(self, step: int) -> bool:
        """Whether the state after a step is at hand; it is kept from now on."""
        if self._snapshot is not None and self._snapshot.step == step:
            self.kept[step] = self._snapshot
        return step in self.kept

    def packed(self, step: int) -> bytes:
        """A state that is held, as the bytes of a checkpoint, which lacks the changes of its
        step."""
        origin = self._origin if step == self.lineage.born else None
        return self.gathered.checkpoint(origin or self.kept[step]).content

    def end(self) -> None:
        """Stand after the last step, as a lineage does whose outcome is on disk."""
        self.sent = self._at_end = True
        self.done_until = self.steps

    def back_to(self, step: int) -> None:
        """Go back to the last state that is known at or before a step, and not behind steps whose
        rows are still to come."""
        self.close()
        before = [known for known in self.kept if known <= min(step, self.done_until)]
        self._snapshot = self.kept[max(before)] if before else None
        self._at_end = False

    def advance(self, until: int, over: Callable[[], bool]) -> list[Record]:
        """Train up to a step, or until it is `over` at an earlier one; returns what is new."""
        if self._records is None or self._until != until:
            self.close()
            self._until = until
            self._records = self._train(
                self.training, self._splits, self._snapshot, lambda: self._over(), until
            )
        self._over, self._since, self._working = over, self._clock(), True
        try:
            fresh = self._fresh(self._records)
        finally:
            self._worked, self._working = self._seconds(), False
        if self._snapshot is not None and self._snapshot.step == until:
            self.close()
            self._at_end = until == self.steps
        self.done_until = max(self.done_until, self.position)
        return fresh

    def _fresh(self, records: Iterator[Record]) -> list[Record]:
        """What is new up to the next state."""
        fresh: list[Record] = []
        probing: float | None = None
        for record in records:
            if probing is not None:
                self.gathered.probe_seconds += self._seconds() - probing
            probing = self._seconds() if isinstance(record, Probing) else None
            if isinstance(record, Snapshot):
                self._snapshot = record
                break
            if probing is None and record.step > self.done_until:
                fresh.append(record)
        return fresh

    def blocks(self) -> list[Block]:
        """The rows that have come together since they were last asked for."""
        return self.gathered.blocks()

    @property
    def can_be_resumed(self) -> bool:
        """Whether a checkpoint can be made here: it counts all rows up to its step."""
        return not self.sent and self.lineage.born < self.position == self.done_until < self.steps

    def checkpoint(self) -> list[Block | Checkpoint]:
        """The rows so far, and a checkpoint after them."""
        assert self._snapshot is not None
        return [*self.gathered.blocks(), self.gathered.checkpoint(self._snapshot)]

    def ended(self) -> list[Block | Outcome]:
        """The last rows and the outcome."""
        self.sent = True
        return [*self.gathered.blocks(), self.gathered.outcome()]

    def failed(self, error: Exception, trace: str) -> list[Block | Outcome]:
        """The same after an error, which ends it."""
        self.close()
        self.end()
        return [*self.gathered.blocks(), self.gathered.failure(error, trace)]

    def close(self) -> None:
        """Let go of a training that is under way; it is trained from the last state again."""
        self._records = None

"""What a panda writes, and what it goes on with: rows, states and snapshots in the run's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from caviar.runner.panda.record.journal import add_rows, interventions, read_rows_of, written
from caviar.runner.panda.record.reading_rows import layer_rows, score_rows
from caviar.runner.panda.record.tables import SNAPSHOTS, STATES
from caviar.runner.panda.training.messages import Birth, Opening, PandaEvent, Shot
from caviar.runner.panda.training.readings import Reading
from caviar.runner.panda.tree import Intervention, Lineage, Tree
from caviar.runner.session.planned import attempts_so_far, settled_trials
from caviar.runner.store.checkpoints import forget_all
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.sink import ParquetSink
from caviar.runner.store.storage import read
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.verify.lineages import LINEAGES

READING_SECONDS = 5.0
"""How long readings wait for others before they are written."""


class Recorder:
    """The one writer of a panda's run: the twin's rows go where those of any run go, and all that
    belongs to other lineages goes under `lineages`."""

    def __init__(
        self, storage: LocalFolder, twin_id: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.storage = storage
        self.lineages = LocalFolder(storage.root / LINEAGES)
        self._twin_id, self._clock = twin_id, clock
        self._twin, self._others = ParquetSink(storage), ParquetSink(self.lineages)
        self._readings: list[Reading] = []
        self._since = clock()

    def journal(self, rows: Sequence[Intervention], begun: Iterable[Lineage]) -> None:
        """Write what was asked, before it is answered, then the plan of the lineages it starts."""
        written(self.storage, rows)
        self._others.plan(lineage.config for lineage in begun)

    def take(self, event: PandaEvent) -> None:
        """Write something that was measured or kept, soon."""
        match event:
            case Reading():
                self._readings.append(event)
            case Birth():
                self.lineages.write(_state(event.trial_id), event.content)
            case Shot():
                self.storage.write(_shot(event.name), event.content)
            case Block():
                self._sink(event.trial_id).write(event)
            case Checkpoint():
                self._sink(event.trial_id).checkpoint(event)
            case Outcome():
                self._sink(event.trial_id).commit(event)

    def _sink(self, trial_id: str) -> ParquetSink:
        return self._twin if trial_id == self._twin_id else self._others

    def tick(self) -> None:
        """Write what has waited long enough."""
        self._twin.tick()
        self._others.tick()
        if self._readings and self._clock() - self._since >= READING_SECONDS:
            self._write_readings()

    def _write_readings(self) -> None:
        rows = [row for reading in self._readings for row in score_rows(reading)]
        layers = [row for reading in self._readings for row in layer_rows(reading)]
        add_rows(self.lineages, "reading_layers", layers)
        add_rows(self.lineages, "readings", rows)
        self._readings, self._since = [], self._clock()

    def flush(self) -> None:
        """Write everything now; readings first, so that none is behind a checkpoint."""
        self._write_readings()
        self._twin.flush()
        self._others.flush()

    def opening(self, tree: Tree, path: TrainingPath, checkpoint_seconds: float) -> Opening:
        """What a worker goes on with."""
        self.flush()
        self._must_be_planned(tree)
        jobs: dict[int, Job] = {}
        ended = set()
        for sink, of in ((self._twin, tree.lineages[:1]), (self._others, tree.lineages[1:])):
            settled, attempts = settled_trials(sink.storage), attempts_so_far(sink.storage)
            ended |= {lineage.number for lineage in of if lineage.trial_id in settled}
            left = [lineage for lineage in of if lineage.trial_id not in settled]
            due = [
                Job(one.config, one.trial_id, attempts.get(one.trial_id, -1) + 1, path=path)
                for one in left
            ]
            resumed = sink.resume(due).jobs
            jobs |= {one.number: job for one, job in zip(left, resumed, strict=True)}
        return Opening(
            twin=tree.lineages[0].config,
            interventions=interventions(self.storage),
            path=path,
            jobs=jobs,
            ended=frozenset(ended),
            births=self._stored_births(tree),
            snapshots=self._stored_snapshots(tree),
            read=self.read_steps(),
            checkpoint_seconds=checkpoint_seconds,
        )

    def _must_be_planned(self, tree: Tree) -> None:
        """Plan lineages that were journalled just before a kill."""
        known = set(read_rows(self.lineages, "trials", ["trial_id"])["trial_id"])
        self._others.plan(one.config for one in tree.lineages[1:] if one.trial_id not in known)

    def _stored_births(self, tree: Tree) -> dict[int, bytes]:
        stored: dict[int, bytes] = {}
        for lineage in tree.lineages[1:]:
            with suppress(FileNotFoundError):
                stored[lineage.number] = read(self.lineages, _state(lineage.trial_id))
        return stored

    def _stored_snapshots(self, tree: Tree) -> dict[str, bytes]:
        stored: dict[str, bytes] = {}
        for name in tree.snapshots:
            with suppress(FileNotFoundError):
                stored[name] = read(self.storage, _shot(name))
        return stored

    def read_steps(self) -> dict[int, frozenset[int]]:
        """The steps of each lineage that were read."""
        steps: dict[int, set[int]] = {}
        for row in read_rows_of(self.lineages, "readings"):
            steps.setdefault(row["lineage"], set()).add(row["step"])
        return {lineage: frozenset(read_at) for lineage, read_at in steps.items()}

    def forget_states(self) -> None:
        """Delete every state, so that all that is unfinished is trained again from the start."""
        for storage in (self.storage, self.lineages):
            forget_all(storage)
        for storage, folder in ((self.storage, SNAPSHOTS), (self.lineages, STATES)):
            for name in storage.names(folder):
                storage.delete(f"{folder}/{name}")


def _state(trial_id: str) -> str:
    return f"{STATES}/{trial_id}.npz"


def _shot(name: str) -> str:
    return f"{SNAPSHOTS}/{name}.npz"

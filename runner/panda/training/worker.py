"""The worker of a panda: all lineages in one process, over one copy of the data.

The same object works behind a pipe, in an actor, and in a test.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

from caviar.runner.data.splits import Data, make_splits
from caviar.runner.panda.decide import Decision, Moment, decide
from caviar.runner.panda.requests import EDITS, Request
from caviar.runner.panda.training.messages import (
    Advance,
    Ask,
    Birth,
    Call,
    Keep,
    Opening,
    PandaEvent,
    Reply,
    Shot,
    Standing,
    Status,
)
from caviar.runner.panda.training.pacing import Pacing
from caviar.runner.panda.training.readings import read, reading_moments, steps_of
from caviar.runner.panda.training.scheduler import Goal, Needs, ancestors, next_goal
from caviar.runner.panda.training.trainee import Trainee
from caviar.runner.panda.tree import NONE, Lineage, Tree, after, last_step
from caviar.runner.panda.view import State
from caviar.runner.trial.checkpoint import CheckpointError
from caviar.runner.trial.events import Job
from caviar.runner.trial.gathered import Clock

BLOCK_SECONDS = 1.0
"""How long rows wait for others."""


class Worker:
    """Trains the lineages of a panda, and decides what is asked of it between two steps."""

    def __init__(
        self,
        opening: Opening,
        data: Data,
        clock: Clock = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._opening, self._data, self._clock, self._sleep = opening, data, clock, sleep
        self._splits = make_splits(data, opening.twin)
        self.tree = Tree.of(opening.twin, opening.interventions)
        self._trainees: dict[int, Trainee] = {}
        for lineage in self.tree.lineages:
            self._add(lineage, opening.jobs.get(lineage.number))
        twin = self._trainees[0].training
        self._per_epoch = twin.steps_per_epoch(self._splits.train)
        self._moments = reading_moments(twin, self._splits)
        self._read = {number: set(steps) for number, steps in opening.read.items()}
        self._shots = set(self.tree.snapshots) - opening.snapshots.keys()
        for name, content in opening.snapshots.items():
            self._trainees[self.tree.snapshots[name].lineage].keep(content)
        self._pacing = Pacing(clock, opening.pace, opening.paused)
        self._checkpointed = {number: clock() for number in self._trainees}
        self._sent = clock()
        self._extra = NONE
        self._front = self._begin()
        self._look_ahead()

    def _add(self, lineage: Lineage, job: Job | None) -> None:
        """A lineage with the job that trains it; without one, its outcome is on disk."""
        number = lineage.number
        due = job or Job(lineage.config, lineage.trial_id, 0, path=self._opening.path)
        try:
            trainee = Trainee(lineage, due, self._data, self._splits, self._clock)
        except CheckpointError:  # It is trained again from its birth.
            fresh = replace(due, checkpoint=None)
            trainee = Trainee(lineage, fresh, self._data, self._splits, self._clock)
        if number in self._opening.ended:
            trainee.end()
        if number in self._opening.births:
            trainee.keep(self._opening.births[number])
        self._trainees[number] = trainee

    def _begin(self) -> int:
        """The step that the current lineage stands after when a panda is resumed: not before any
        at which something was asked of it."""
        tree, least = self.tree, max(self._opening.step, last_step(self._opening.interventions))
        if tree.standing is not None:
            front = max(tree.standing, least)
            self._trainees[tree.current].back_to(front)
            return front
        return max(least, self._reached())

    def _reached(self) -> int:
        """The step up to which the current lineage, or what leads to its birth, was trained."""
        tree = self.tree
        chain = ancestors(tree, self._trainees, tree.current)
        births = [tree.lineages[number].born for number in chain[:-1]]
        return min([self._trainees[chain[-1]].position, *births])

    def _look_ahead(self) -> None:
        """Find out what is to be read and taken, once the tree is another one."""
        readings = {
            number: steps_of(self.tree, number, self._moments, self._per_epoch)
            - self._read.get(number, set())
            for number in self._trainees
        }
        shots = {self.tree.snapshots[name] for name in self._shots}
        self._needs = Needs(readings, shots)

    def answer(self, call: Advance | Ask | Keep) -> Reply:
        """Do what is asked."""
        if isinstance(call, Advance):
            events = self._advance(call.seconds)
            return Reply(events, self._status())
        if isinstance(call, Keep):
            return Reply(self._kept(), self._status())
        decision = self._ask(call)
        return Reply([], self._status(), decision, call.request)

    def _advance(self, seconds: float) -> list[PandaEvent]:
        """Train for a while."""
        end, events = self._clock() + seconds, []
        while True:
            events += self._due()
            goal = self._goal()
            self._extra = NONE if goal is None else goal.lineage
            left = end - self._clock()
            if goal is None and self._pacing.rest(left):
                self._sleep(self._pacing.rest(left))
            if goal is None or left <= 0:
                break
            events += self._train(goal, end)
        return events + self._waiting_rows()

    def _goal(self) -> Goal | None:
        steps, resting = self.tree.now.config.steps, self._pacing.paused
        limit = self._pacing.limit(self._front, steps)
        parked = self._front >= steps and not resting
        return next_goal(self.tree, self._trainees, self._needs, limit, parked)

    def _due(self) -> list[PandaEvent]:
        """Births and snapshots whose states are at hand."""
        events: list[PandaEvent] = []
        for lineage in self.tree.lineages[1:]:
            child, parent = (self._trainees[n] for n in (lineage.number, lineage.parent))
            if not child.known and (origin := parent.before(lineage.born)) is not None:
                child.begin(origin)
                events.append(Birth(lineage.number, lineage.trial_id, child.packed(lineage.born)))
        for name in sorted(self._shots):
            taken_of, step = self.tree.snapshots[name]
            if self._trainees[taken_of].holds(step):
                events.append(Shot(name, self._trainees[taken_of].packed(step)))
                self._shots.discard(name)
                self._look_ahead()
        return events

    def _train(self, goal: Goal, end: float) -> list[PandaEvent]:
        """Train a lineage towards a goal, and do what is due where it arrives."""
        trainee, number = self._trainees[goal.lineage], goal.lineage
        try:
            for record in trainee.advance(goal.until, lambda: self._clock() >= end):
                trainee.gathered.add(record)
            self._arrived(number)
            return [*self._reading(number), *self._ended(number), *self._checkpoint(number)]
        except Exception as error:
            return list(trainee.failed(error, traceback.format_exc()))

    def _arrived(self, number: int) -> None:
        """Move the front where the current lineage, or what leads to its birth, went on."""
        if number in ancestors(self.tree, self._trainees, self.tree.current):
            before, self._front = self._front, max(self._front, self._trainees[number].position)
            self._pacing.went(before, self._front)

    def _reading(self, number: int) -> list[PandaEvent]:
        trainee = self._trainees[number]
        step, snapshot = trainee.position, trainee.snapshot
        if step not in self._needs.readings[number] or snapshot is None:
            return []
        self._read.setdefault(number, set()).add(step)
        self._look_ahead()
        trial_id = trainee.lineage.trial_id
        return [read(trainee.training, self._splits, snapshot.state, number, trial_id)]

    def _ended(self, number: int) -> list[PandaEvent]:
        trainee = self._trainees[number]
        if trainee.sent or trainee.position < trainee.steps:
            return []
        return list(trainee.ended())

    def _checkpoint(self, number: int) -> list[PandaEvent]:
        """A checkpoint now and then, of a lineage that stands where it never was before."""
        trainee, now = self._trainees[number], self._clock()
        since = now - self._checkpointed.setdefault(number, now)
        if since < self._opening.checkpoint_seconds or not trainee.can_be_resumed:
            return []
        self._checkpointed[number] = now
        return list(trainee.checkpoint())

    def _kept(self) -> list[PandaEvent]:
        """A checkpoint of every lineage that can be resumed where it stands."""
        resting = (trainee for trainee in self._trainees.values() if trainee.can_be_resumed)
        return [event for trainee in resting for event in trainee.checkpoint()]

    def _waiting_rows(self) -> list[PandaEvent]:
        if self._clock() - self._sent < BLOCK_SECONDS:
            return []
        self._sent = self._clock()
        return [block for trainee in self._trainees.values() for block in trainee.blocks()]

    def _ask(self, call: Ask) -> Decision:
        positions = tuple(self._trainees[n].position for n in range(len(self._trainees)))
        pace, data = self._pacing.pace, self._data
        moment = Moment(self.tree, self._front, positions, self._per_epoch, pace, data)
        decision = decide(call.request, call.asked, moment)
        if decision.accepted:
            self._do(call.request, decision)
        return decision

    def _do(self, request: Request, decision: Decision) -> None:
        self.tree = after(self.tree, decision.rows)
        for lineage in self.tree.lineages[len(self._trainees) :]:
            self._add(lineage, Job(lineage.config, lineage.trial_id, 0, path=self._opening.path))
        (*_, row), verb = decision.rows, request.verb
        if verb in ("rewind", "undo"):
            self._trainees[self.tree.current].back_to(row.step)
            self._front = row.step
            self._pacing.moved()
        elif verb == "select":
            self._front = self._reached()
            self._pacing.moved()
        elif verb == "snapshot":
            self._shots.add(row.new)
        elif verb in ("pause", "stop"):
            self._pacing.pause(row.step, self._front)
        elif verb == "step":
            self._pacing.go(self._front + int(request.argument or 1))
        elif verb == "pace":
            new = request.argument
            self._pacing.set_pace(None if isinstance(new, str | None) else float(new))
        elif verb == "go":
            self._pacing.go()
            self._pacing.set_pace(self._pacing.pace)
        elif verb == "finish":
            self._pacing.finish()
        if verb in EDITS | {"snapshot"}:
            self._look_ahead()

    def _status(self) -> Status:
        trainees = [self._trainees[number] for number in range(len(self._trainees))]
        leading = trainees[ancestors(self.tree, self._trainees, self.tree.current)[-1]]
        goal = self._goal()
        paused = self._pacing.paused
        resting = goal is None and self._front >= leading.steps and not paused
        return Status(
            self._front,
            tuple(Standing(t.position, self._state(t)) for t in trainees),
            leading.training.rate_after(min(self._front, leading.steps - 1)),
            self._pacing.rate,
            self._pacing.pace,
            paused,
            goal is not None or (self._pacing.rest(1.0) > 0),
            resting,
        )

    def _state(self, trainee: Trainee) -> State:
        number = trainee.lineage.number
        if trainee.diverged:
            return "diverged"
        if not trainee.known:
            return "waiting"
        if trainee.position == trainee.steps:
            return "ended"
        if self._pacing.paused:
            return "paused" if number in self.tree.active else "parked"
        return "training" if number in (*self.tree.active, self._extra) else "parked"


class Stable:
    """What runs in the process or actor of a panda: its first call opens a worker, which then
    answers call after call."""

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def __call__(self, call: Call, data: Data) -> Iterator[Reply]:
        if isinstance(call, Opening):
            self._worker = Worker(call, data)
            call = Advance(0.0)
        if self._worker is None:
            raise ValueError("the worker of a panda opens before it answers")
        yield self._worker.answer(call)

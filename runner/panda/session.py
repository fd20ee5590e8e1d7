"""A panda: the loop that joins a worker, what is written, and whoever asks for something."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from caviar.runner.errors import RequestError, WorkersError
from caviar.runner.executors.hosting.hosts import Host, HostDiedError, Hosts
from caviar.runner.panda.control import CONTROL, ControlFiles
from caviar.runner.panda.curves import Curves
from caviar.runner.panda.decide import Asked, unread
from caviar.runner.panda.record.journal import interventions, read_rows_of
from caviar.runner.panda.record.recorder import Recorder
from caviar.runner.panda.requests import Answer, read_request
from caviar.runner.panda.training.messages import Advance, Ask, Keep, Reply, Status
from caviar.runner.panda.training.readings import Reading
from caviar.runner.panda.tree import Intervention, Tree, after
from caviar.runner.panda.view import LogLine, View
from caviar.runner.panda.viewing import log_line, log_lines, view_of
from caviar.runner.session.run_log import stamp
from caviar.runner.trial.events import Outcome
from caviar.runner.trial.kernels import TrainingPath

SLICE_SECONDS = 0.05
"""How long the worker trains between two looks at what is asked."""
DEATHS = 3
"""Workers that may die one after the other without having answered anything."""
KEEP_SECONDS = 30.0
"""How long the last checkpoints are waited for."""
ENDED = "the panda has ended"


@dataclass(frozen=True)
class Setting:
    """What a panda trains: the run's name, the tree so far, the steps of an epoch, and the path;
    `pace` is in steps per second, `paused` whether it begins so. With `stays` it waits for requests
    when all has been trained."""

    name: str
    tree: Tree
    per_epoch: int
    path: TrainingPath
    pace: float | None = None
    paused: bool = False
    stays: bool = False
    checkpoint_seconds: float = 10.0


class _Letter(NamedTuple):
    """What somebody asks, in words, and where the answer goes."""

    text: str
    asked_by: str
    tell: Callable[[Answer], None]


class _Question(NamedTuple):
    """A request that the worker has not answered yet."""

    ask: Ask
    tell: Callable[[Answer], None]


class Session:
    """One panda in a run's folder, which is held meanwhile.

    `run` is the loop, in the main thread or in one of its own; `ask`, `view` and `close` may be
    called from any other. `failed`: a training raised an error, which its outcome tells.
    """

    def __init__(
        self,
        setting: Setting,
        recorder: Recorder,
        hosts: Hosts,
        tell: Callable[[LogLine], None] = lambda line: None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._setting, self._recorder, self._hosts = setting, recorder, hosts
        self._tell, self._wall_clock = tell, wall_clock
        self._tree = setting.tree
        rows = interventions(recorder.storage)
        self._number = rows[-1].number + 1 if rows else 0
        self._log: list[LogLine] = log_lines(rows)
        self._curves = Curves(self._tree.lineages[0].config.seeds)
        stored = (read_rows_of(recorder.lineages, t) for t in ("readings", "reading_layers"))
        self._curves.add_rows(*stored)
        self._files = ControlFiles(recorder.storage.root / CONTROL)
        self._inbox: queue.SimpleQueue[_Letter] = queue.SimpleQueue()
        self._open: deque[_Question] = deque()
        self._host: Host
        self._status = Status(0, (), 0.0, 0.0, setting.pace, setting.paused, True, False)
        self._advancing = self._opening = False
        self._deaths = 0
        self._stop_after: int | None = None
        self._closing, self._over = threading.Event(), threading.Event()
        self._error: Exception | None = None
        self.failed = False
        self._lock = threading.Lock()
        """Held while what a view shows changes, and while a view is put together."""
        self._view: View | None = None

    def ask(self, text: str, who: str) -> Answer:
        """Ask something and wait for the answer."""
        answered: Future[Answer] = Future()
        self._inbox.put(_Letter(text, who, answered.set_result))
        while True:
            try:
                return answered.result(timeout=0.1)
            except NoAnswerError:
                if self._over.is_set() and not answered.done():
                    return Answer(False, ENDED, self._status.step, self._tree.current)

    def view(self) -> View:
        """All there is to see now; raises the error that ended the panda, if one did."""
        if self._error is not None:
            raise self._error
        with self._lock:
            self._view = self._view or self._seen()
            return self._view

    def say(self, text: str) -> None:
        """Add a line of the panda's own to the log."""
        self._note(LogLine(self._status.step, self._tree.current, text, True, "panda"))

    def _note(self, line: LogLine) -> None:
        with self._lock:
            self._log.append(line)
            self._view = None
        self._tell(line)

    def close(self) -> None:
        """End the loop, so that it can be resumed, and wait until all is on disk."""
        self._closing.set()
        self._over.wait()

    @property
    def ended(self) -> bool:
        """Whether every lineage was trained to its end."""
        return self._status.ended

    def run(self, stop: Callable[[], bool] = bool) -> None:
        """Train, write and answer until all is trained, `stop` says so or somebody asks to stop."""
        try:
            self._start()
            try:
                while not self._is_over(stop):
                    self._turn()
                self._keep()
            finally:
                self._host.close()
                self._recorder.flush()
        except Exception as error:
            self._error = error
            raise
        finally:
            self._files.close()
            self._over.set()

    def _keep(self) -> None:
        """Let the worker make checkpoints, so that little is trained again."""
        self._host.submit(Keep())
        waited = len(self._open) + self._advancing + 1
        end = time.monotonic() + KEEP_SECONDS
        try:
            while waited and time.monotonic() < end:
                reply = self._host.receive(SLICE_SECONDS)
                if reply is not None:
                    waited -= 1
                    self._take(reply)
        except HostDiedError:
            return  # What was trained since the last checkpoints is trained again.

    def _is_over(self, stop: Callable[[], bool]) -> bool:
        if self._closing.is_set() or stop():
            return True
        if self._stop_after is not None and self._status.step >= self._stop_after:
            return True
        return self._status.ended and not (self._setting.stays or self._open)

    def _start(self) -> None:
        """Start a worker, which goes on from what is on disk."""
        opening = self._recorder.opening(
            self._tree, self._setting.path, self._setting.checkpoint_seconds
        )
        while True:
            try:
                self._host = self._hosts.start()
                break
            except HostDiedError as error:
                self._died(str(error))
        self._host.submit(opening.going_on(self._status))
        for question in self._open:
            self._host.submit(question.ask)
        self._advancing = self._opening = True

    def _died(self, reason: str) -> None:
        """Count a death; raises WorkersError where too many follow each other."""
        self._deaths += 1
        if self._deaths >= DEATHS:
            raise WorkersError(
                f"the worker of the panda died {DEATHS} times in a row: {reason}; what was "
                f"measured is on disk: caviar panda --resume {self._recorder.storage.where}"
            )
        self.say(f"{reason}; another one goes on")

    def _turn(self) -> None:
        """Pass on what is asked, train a little, and write what came of it."""
        try:
            self._pass_on()
            if not self._advancing and (self._status.busy or self._open):
                self._advance()
            reply = self._host.receive(SLICE_SECONDS)
        except HostDiedError as error:
            self._died(str(error))
            self._start()
            return
        if reply is not None:
            if reply.decision is None:
                self._advancing = False
                if reply.status.busy:  # Before it is written: the worker need not wait for that.
                    self._advance()
            self._take(reply)
        self._recorder.tick()

    def _advance(self) -> None:
        self._host.submit(Advance(SLICE_SECONDS))
        self._advancing = True

    def _pass_on(self) -> None:
        """Hand what was asked to the worker, in order; what is no request is refused here."""
        letters = [
            _Letter(taken.text, taken.asked_by, partial(self._files.answer, taken.name))
            for taken in self._files.taken()
        ]
        while not self._inbox.empty():
            letters.append(self._inbox.get())
        for letter in letters:
            asked = Asked(letter.asked_by, stamp(self._wall_clock()), self._number)
            self._number += 1
            try:
                ask = Ask(read_request(letter.text), asked)
            except RequestError as error:
                row = unread(letter.text, str(error), asked, self._tree, self._status.step)
                letter.tell(self._noted((row,), str(error)))
                continue
            self._open.append(_Question(ask, letter.tell))
            self._host.submit(ask)

    def _take(self, reply: Reply) -> None:
        """Write what came back; a request is written before it is answered."""
        if not self._opening:  # It does more than start.
            self._deaths = 0
        self._opening = False
        with self._lock:
            self._status, self._view = reply.status, None
        for event in reply.events:
            self._recorder.take(event)
            if isinstance(event, Reading):
                with self._lock:
                    self._curves.add(event)
            if isinstance(event, Outcome) and event.status == "failed":
                self.failed = True
                self.say(f"trial {event.trial_id} failed: {event.error}")
        if reply.decision is not None:
            question = self._open.popleft()
            question.tell(self._noted(reply.decision.rows, reply.decision.says))

    def _noted(self, rows: tuple[Intervention, ...], says: str) -> Answer:
        """Write a request, and what it does to the tree; then it may be answered."""
        tree = after(self._tree, rows)
        self._recorder.journal(rows, tree.lineages[len(self._tree.lineages) :])
        with self._lock:
            self._tree = tree
        self._note(log_line(rows))
        if rows[0].accepted and rows[0].what == "stop":
            self._stop_after = rows[0].step
        return Answer(rows[0].accepted, says, rows[0].step, tree.current)

    def _seen(self) -> View:
        return view_of(
            self._setting.name,
            self._recorder.storage.where,
            self._setting.per_epoch,
            self._tree,
            self._status,
            self._curves,
            self._log,
        )

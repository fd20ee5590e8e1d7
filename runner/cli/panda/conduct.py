"""A panda from its study or its folder to a session that trains, with all that it holds open."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from caviar.runner.data.places import without_home
from caviar.runner.executors.choice import Where, hosts_on
from caviar.runner.executors.environment_checks import must_suit
from caviar.runner.executors.ray_address import must_answer
from caviar.runner.panda.control import folder_at, must_be_alone, whoever
from caviar.runner.panda.record.recorder import Recorder
from caviar.runner.panda.record.run import (
    Opened,
    begin,
    chosen,
    go_on,
    must_be_free,
    read_panda,
)
from caviar.runner.panda.session import Session, Setting
from caviar.runner.panda.training.worker import Stable
from caviar.runner.session.loop import Progress
from caviar.runner.session.run_log import RunLog
from caviar.runner.session.training_path import path_of_run
from caviar.runner.store.uri import masked
from caviar.runner.trial.kernels import Kernels

if TYPE_CHECKING:
    from caviar.runner.executors.worker_process import StartProcess
    from caviar.runner.panda.view import LogLine
    from caviar.runner.store.local_folder import LocalFolder
    from caviar.runner.study.plan import Plan


def _nobody(line: LogLine) -> None: ...


class How(NamedTuple):
    """How a panda trains: where, on which path, at which pace in steps per second, whether it
    begins paused, and whether it stays when all has been trained. Without a pace, a training lasts
    `least_seconds` at least, if they are given. `tell` gets each line of the log as it comes."""

    on: Where = Where.local
    address: str | None = None
    kernels: Kernels = Kernels.auto
    pace: float | None = None
    paused: bool = False
    stays: bool = False
    accept_other_processor: bool = False
    tell: Callable[[LogLine], None] = _nobody
    start_process: StartProcess | None = None
    least_seconds: float | None = None

    def pace_of(self, steps: int) -> float | None:
        """The pace of a training of so many steps."""
        if self.pace is not None or self.least_seconds is None:
            return self.pace
        return steps / self.least_seconds


def command() -> str:
    """The command line, as `study.json` keeps it."""
    return " ".join(["caviar", *(without_home(masked(word)) for word in sys.argv[1:])])


def free_folder(name: str) -> str:
    """`runs/panda-NAME`, or with a number where that is taken."""
    roots = (f"runs/panda-{name}{f'-{n}' if n > 1 else ''}" for n in range(1, 10**6))
    return next(root for root in roots if not Path(root).exists())


@contextmanager
def begun(plan: Plan, trial: str | None, out: str | None, how: How) -> Iterator[Session]:
    """A new panda of a trial of a plan, the first one if none is named, in a new folder."""
    _must_start(how)
    only = chosen(plan, trial)
    storage = folder_at(out or free_folder(plan.study.name))
    must_be_free(storage)
    path = path_of_run(how.kernels, only, storage)
    with storage.hold():
        opened = begin(storage, only, command(), path)
        with _session(storage, opened, how) as session:
            if plan.most > 1:
                session.say(_one_of(only, plan))
            yield session


def _must_start(how: How) -> None:
    """Raise RequestError, before anything is written, where no worker can start."""
    must_suit(how.on, 1, 1, how.address)
    if how.on is Where.ray:
        must_answer(how.address)


def _one_of(only: Plan, plan: Plan) -> str:
    trial = only.trials[0]
    return (
        f"one of the {plan.most} trials of the study is trained, {trial.trial_id}; --trial chooses "
        "another"
    )


@contextmanager
def resumed(root: str, how: How) -> Iterator[Session]:
    """A panda that goes on in its folder."""
    storage = folder_at(root)
    read_panda(storage)  # Before its folder is held: a refusal changes nothing.
    must_be_alone(storage, f"panda {whoever()}")
    _must_start(how)
    with storage.hold():
        opened = read_panda(storage)
        forget = go_on(storage, opened, command(), how.accept_other_processor)
        with _session(storage, opened, how, forget=forget) as session:
            yield session


@contextmanager
def _session(
    storage: LocalFolder, opened: Opened, how: How, *, forget: bool = False
) -> Iterator[Session]:
    """The session, its worker's place and its log; all are closed at the end."""
    twin = opened.tree.lineages[0]
    recorder = Recorder(storage, twin.trial_id)
    if forget:
        recorder.forget_states()
    pace = how.pace_of(twin.config.steps)
    setting = Setting(
        opened.name, opened.tree, opened.per_epoch, opened.path, pace, how.paused, how.stays
    )
    log, progress = RunLog(storage), Progress(1, 0, {})
    log.begin(command(), 1, 0)
    place = (opened.data, opened.path, how.address, how.start_process)
    with closing(hosts_on(how.on, Stable(), *place)) as hosts:
        session = Session(setting, recorder, hosts, how.tell)
        try:
            yield session
        except Exception as error:
            log.fail(error)
            raise
        progress.interrupted = not session.ended
        log.end(progress)


@contextmanager
def in_a_thread(session: Session) -> Iterator[Session]:
    """The session's loop in a thread of its own, which ends with the block."""
    loop = threading.Thread(target=_looped, args=(session,), name="panda", daemon=True)
    loop.start()
    try:
        yield session
    finally:
        session.close()
        loop.join()


def _looped(session: Session) -> None:
    with suppress(Exception):  # `view` raises it where it is looked at.
        session.run()

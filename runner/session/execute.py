"""Carrying out a plan: hold the run's storage, start workers, show progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import NamedTuple

from rich.console import Console

from caviar.runner.errors import RequestError, StorageError, WorkersError, printable
from caviar.runner.executors.executor import Executor
from caviar.runner.session.interrupt import Interrupt
from caviar.runner.session.loop import NEVER_RAN, Observer, Progress, run_study
from caviar.runner.session.output import CLOSED, Output
from caviar.runner.session.pace import PACE, Pace
from caviar.runner.session.progress_display import Display, failures, line
from caviar.runner.session.run_folder import (
    STUDY,
    facts,
    open_run,
    other_kernel_before,
    read_study_json,
    remaining,
    unplanned,
)
from caviar.runner.session.run_log import RunLog
from caviar.runner.session.stopping.waves import waves_of
from caviar.runner.session.stopping.words import stopping
from caviar.runner.session.takeover import Offer, seed_blocks, take_over
from caviar.runner.store.checkpoints import forget_all, forget_ended
from caviar.runner.store.compact import compact
from caviar.runner.store.sink import ParquetSink
from caviar.runner.store.storage import Storage, read
from caviar.runner.store.uri import masked
from caviar.runner.study.measured_less import measured_less
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Event, Job
from caviar.runner.trial.kernels import TrainingPath


class Accepted(NamedTuple):
    """What a user accepts beforehand: to resume a run of another kernel or path, whose unfinished
    trials start again, and to add what is missing to the run of a smaller study."""

    accept_other_processor: bool = False
    extend: bool = False


NOTHING = Accepted()


def execute(
    plan: Plan,
    storage: Storage,
    executor_for: Callable[[int], Executor],
    command: str,
    at_once: Callable[[], object],
    *,
    accepted: Accepted = NOTHING,
    path: TrainingPath = TrainingPath.numpy,
    offer: Offer | None = None,
    pace: Pace = PACE,
    tell: Callable[[str], None] = lambda text: None,
) -> Progress:
    """Run the unfinished trials of a plan; an interrupt or a closed output stops it cleanly.

    `executor_for` makes the executor for a number of jobs, `command` goes into `study.json`, a
    second interrupt calls `at_once` (which must not return), `tell` gets events as lines, `offer`
    is taken over. Raises RequestError where something else lies, StorageError for a storage that
    fails."""
    _ = plan.trials  # This checks each trial, before anything is written.
    output = Output(sys.stdout)
    # Install the handlers before writing the first file, so that no request to stop is lost.
    with Interrupt(at_once) as interrupt, storage.hold():
        stop = partial(_is_to_stop, interrupt, output)
        plan = plan.in_blocks(seed_blocks(storage, plan, offer and offer.source))
        sink, jobs = _opened(plan, storage, command, accepted, path, offer, pace)
        study, waves = read(storage, STUDY), waves_of(plan, storage)
        already = max(0, len(plan.trials) - len(jobs))  # An older run may have more to finish.
        _announce(plan, storage, already, output)
        with _logged(storage, pace, tell) as log:
            log.begin(command, len(plan.trials), already)
            with _started(executor_for, jobs, log, output, pace) as (executor, see):
                interrupt.install()  # Again: ray.init() installs its own handlers.
                progress = run_study(
                    jobs, executor, sink, see, already=already, stop=stop, pace=pace, in_waves=waves
                )
                sink.close()  # Before the workers: `ray job stop` may not wait for them.
                log.end(progress)
        _compacted(progress, storage, study, pace, stop, output)
    return _told(progress, storage, output)


def _is_to_stop(interrupt: Interrupt, output: Output) -> bool:
    return interrupt.asked() or output.lost


@contextmanager
def _logged(storage: Storage, pace: Pace, tell: Callable[[str], None]) -> Iterator[RunLog]:
    """The run's log; it gets the error that ends a session, unless the storage takes no more."""
    log = RunLog(storage, progress_seconds=pace.line_seconds, tell=tell)
    try:
        yield log
    except Exception as error:
        with suppress(StorageError):
            log.fail(error)
        raise


@contextmanager
def _started(
    executor_for: Callable[[int], Executor],
    jobs: Sequence[Job],
    log: RunLog,
    output: Output,
    pace: Pace,
) -> Iterator[tuple[Executor, Observer]]:
    """The executor, and what its events are shown to; both are closed at the end."""
    with (
        closing(executor_for(len(jobs))) as executor,
        closing(_display(output, pace, jobs)) as display,
    ):

        def observe(progress: Progress, event: Event) -> None:
            log(progress, event)  # First: the display takes the notes away.
            display(progress, event)

        yield executor, observe


def _display(output: Output, pace: Pace, jobs: Sequence[Job]) -> Display:
    # As text in a notebook, whose kernel sets FORCE_COLOR: only a terminal has a live region.
    console = Console(file=output, force_jupyter=False, force_terminal=output.isatty())
    return Display(console, pace.line_seconds, jobs=jobs)


def _announce(plan: Plan, storage: Storage, already: int, output: Output) -> None:
    """Print what was read of the data, what is not measured, and how much of the run is done."""
    lines = [f"data, {topic}: {text}" for topic, text in facts(plan.data, plan.sample[0]).items()]
    less = measured_less(plan.whole)
    lines += [f"evaluations: {less}"] if less else []
    lines += [f"stop: {stops}"] if (stops := stopping(plan)) else []
    if already:
        done = f"{already} of {len(plan.trials)} trials are done"
        lines.append(f"resuming {storage.where}: {done}")
    left = len(plan.trials) - already
    lines.append(f"{left} trial{'s' * (left != 1)} to run: starting workers")
    # Now: to start Ray takes seconds, and a pipe would show these lines with the first trial's.
    output.announce("\n".join(map(printable, lines)))


def _compacted(
    progress: Progress,
    storage: Storage,
    study: bytes,
    pace: Pace,
    stop: Callable[[], bool],
    output: Output,
) -> None:
    """Merge part files where a run that ended has many; a fault there leaves them and is told.
    The `study` that this driver wrote is written again if a rival's last put replaced it."""
    if storage.rival and read(storage, STUDY) != study:
        storage.write(STUDY, study)
    if progress.interrupted:
        return
    try:
        before, after = compact(storage, most=pace.most_parts, stop=stop)
    except (RequestError, StorageError) as error:
        print(printable(f"part files are left as they are: {error}"), file=output)
        return
    if after < before:
        print(f"compacted: {before:,} part files are {after:,} now", file=output)


def _told(progress: Progress, storage: Storage, output: Output) -> Progress:
    """Print how a run ended and give it back; raise WorkersError if no worker could start."""
    print(line(progress), file=output)
    for text in failures(progress, storage.where):
        print(printable(text), file=output)
    if progress.cannot_start:
        raise WorkersError(
            f"no worker can start, {NEVER_RAN} failed in a row: {progress.cannot_start}; the same "
            "command resumes once they can"
        )
    if output.lost and progress.interrupted:
        with suppress(OSError):
            print(f"caviar: {CLOSED}", file=sys.stderr)
    return progress


def _opened(
    plan: Plan,
    storage: Storage,
    command: str,
    accepted: Accepted,
    path: TrainingPath,
    offer: Offer | None,
    pace: Pace,
) -> tuple[ParquetSink, list[Job]]:
    """The sink of a run, after writing its study and plan to disk, and the jobs that are left."""
    if storage.rival:
        print(f"taking over {storage.where} from {storage.rival}")
    began = STUDY in storage.names("")
    changed = other_kernel_before(read_study_json(storage), path) if began else ""
    open_run(storage, plan, command, **accepted._asdict(), path=path)
    if changed and accepted.accept_other_processor:
        print(printable(f"{changed}; unfinished ones start again"))
        forget_all(storage)
    forget_ended(storage)
    sink = ParquetSink(storage, max_seconds=pace.rows_seconds)
    sink.plan(unplanned(storage, plan))
    jobs = remaining(storage, plan, path)
    return sink, _taken_over(storage, offer, jobs) if offer else jobs


def _taken_over(storage: Storage, offer: Offer, jobs: list[Job]) -> list[Job]:
    """Take over what is offered, tell it, and give back the jobs that are left."""
    left = take_over(storage, offer, jobs)
    print(printable(f"took over {len(jobs) - len(left)} trials from {masked(offer.source.where)}"))
    if offer.says:
        print(printable(offer.says))
    return left

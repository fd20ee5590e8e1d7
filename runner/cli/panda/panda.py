"""`caviar panda`: one training that is edited live, beside its twin that is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli import options
from caviar.runner.cli.carry_out import in_a_job, leave
from caviar.runner.cli.ending.exit_codes import FAILED, INTERRUPTED
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError, printable
from caviar.runner.executors.choice import Where
from caviar.runner.trial.kernels import Kernels

if TYPE_CHECKING:
    from pathlib import Path

    from caviar.runner.cli.panda.conduct import How
    from caviar.runner.panda.session import Session
    from caviar.runner.panda.view import LogLine
    from caviar.runner.session.output import Output


Seed = Annotated[int | None, typer.Option(min=0, help="The first seed; default: the study's.")]
Replicas = Annotated[
    int | None, typer.Option(min=1, help="How many seeds train side by side; default: the study's.")
]
Trial = Annotated[
    str | None,
    typer.Option(
        metavar="ID|N", help="Which trial of the study, by trial_id or number; default: the first."
    ),
]
Folder = Annotated[
    str | None,
    typer.Option("--out", callback=options.utf8, help="A new folder; default: runs/panda-NAME."),
]
NoScreen = Annotated[
    bool,
    typer.Option("--no-screen", help="Train at full speed, steered by `caviar control` alone."),
]
Resume = Annotated[
    str | None,
    typer.Option("--resume", metavar="RUN", callback=options.utf8, help="Go on with this run."),
]
Pace = Annotated[
    float | None,
    typer.Option(
        help="Steps per second to begin with; default: full speed; on a screen two minutes in all."
    ),
]
Lesson = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A guided quarter of an hour; there is batch-norm."),
]


def panda(
    context: typer.Context,
    study: options.StudyFile = None,
    seed: Seed = None,
    replicas: Replicas = None,
    settings: options.Settings = None,
    trial: Trial = None,
    out: Folder = None,
    on: options.On = Where.local,
    address: options.Address = None,
    no_screen: NoScreen = False,
    resume: Resume = None,
    pace: Pace = None,
    lesson: Lesson = None,
    kernels: options.Training = Kernels.auto,
    accept_other_processor: options.OtherProcessor = False,
) -> None:
    """Edit one training while it runs, beside its twin that is never edited."""
    from caviar.runner.cli.panda.conduct import How

    if address is not None and on is not Where.ray:
        raise RequestError("--address names a Ray cluster; add --on ray")
    if on is Where.inline:
        raise RequestError(
            "--on inline trains in the process that listens, which a panda cannot; use --on local"
        )
    if pace is not None and not 0 < pace < inf:
        raise RequestError(f"--pace takes steps per second, a number above 0; got {pace:g}")
    how = How(on, address, kernels, pace, accept_other_processor=accept_other_processor)
    how = how._replace(start_process=context.obj.start_process)
    given = [*(settings or []), *_seeds(seed, replicas)]
    if lesson is not None:
        return _lesson(lesson, [study, given, trial, resume, pace, no_screen], out, how)
    if resume is not None:
        _must_be_alone(study, given, trial, out)
        in_a_job(resume, on)
    session_of = partial(_session, study, given, trial, out, resume)
    code = (_without_screen if no_screen else _with_screen)(session_of, how)
    if code:
        raise SystemExit(code)


def _seeds(seed: int | None, replicas: int | None) -> list[str]:
    given = {"seed": seed, "replicas": replicas}
    return [f"{name}={value}" for name, value in given.items() if value is not None]


def _must_be_alone(study: Path | None, settings: list[str], trial: str | None, out: object) -> None:
    if study is not None or settings or trial is not None or out is not None:
        raise RequestError(
            "--resume goes on with a run as it was begun; leave out the study and what changes it"
        )


def _session(
    study: Path | None,
    settings: list[str],
    trial: str | None,
    out: str | None,
    resume: str | None,
    how: How,
) -> AbstractContextManager[Session]:
    from caviar.runner.cli.panda.conduct import begun, resumed
    from caviar.runner.study.plan import make_plan
    from caviar.runner.study.study_file import read_study

    if resume is not None:
        return resumed(resume, how)
    return begun(make_plan(read_study(study, settings)), trial, out, how)


def _without_screen(session_of: Callable[[How], AbstractContextManager[Session]], how: How) -> int:
    """Train at full speed, tell the log line by line, and give back the exit code."""
    from caviar.runner.session.interrupt import Interrupt
    from caviar.runner.session.output import Output

    output = Output(sys.stdout)
    with Interrupt(leave) as interrupt:
        with session_of(how._replace(tell=partial(_tell, output))) as session:
            output.announce(_how_to_steer(session))
            interrupt.install()  # Again: ray.init() installs its own handlers.
            session.run(lambda: interrupt.asked() or output.lost)
        print(_told(session, interrupt.asked() or output.lost), file=output)
        if interrupt.asked() or output.lost:
            return INTERRUPTED
        return FAILED if session.failed else 0


def _with_screen(session_of: Callable[[How], AbstractContextManager[Session]], how: How) -> int:
    """Show it until its user leaves, say how to go on, and give back the exit code."""
    from caviar.runner.cli.panda.on_screen import on_screen

    session, interrupted = on_screen(session_of, how)
    say(_told(session, interrupted))
    if interrupted:
        return INTERRUPTED
    return FAILED if session.failed else 0


def _lesson(name: str, others: list[object], out: str | None, how: How) -> None:
    from caviar.runner.cli.panda.on_screen import lesson, must_be_a_lesson

    must_be_a_lesson(name, others)
    root, interrupted = lesson(out, how)
    say(f"the trainings of the lesson are in {root}; see what edits did: caviar report {root}/1")
    if interrupted:
        raise SystemExit(INTERRUPTED)


def _tell(output: Output, line: LogLine) -> None:
    refused = "" if line.accepted else "refused: "
    where = f"lineage {line.lineage}, step {line.step}"
    print(printable(f"{where}: {refused}{line.text} [{line.asked_by}]"), file=output, flush=True)


def _how_to_steer(session: Session) -> str:
    view = session.view()
    count = len(view.seeds)
    return printable(
        f"{view.about}, {count} seed{'s' * (count != 1)}, {view.steps:,} steps, in {view.where}\n"
        f"steer it: caviar control {view.where} set 'learning_rate*=0.5'"
    )


def _told(session: Session, interrupted: bool) -> str:
    """How it ended, and what to do next."""
    view = session.view()
    count = len(view.lineages) - 1
    edited = f"{count} edited training{'s' * (count != 1)} beside its twin"
    if session.ended:
        return printable(f"trained to the end, {edited}; see: caviar report {view.where}")
    why = "interrupted" if interrupted else "stopped"
    return printable(
        f"{why} after step {view.lineage(view.current).step}, {edited}: all that was measured is "
        f"on disk; go on with: caviar panda --resume {view.where}"
    )

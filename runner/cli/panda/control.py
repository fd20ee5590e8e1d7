"""`caviar control`: ask the panda of a run for something, from a script or another machine."""

from __future__ import annotations

import json
import shlex
from typing import Annotated

import typer

from caviar.runner.cli.ending.exit_codes import FAILED
from caviar.runner.cli.options import AsJson, RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import printable

Words = Annotated[
    list[str],
    typer.Argument(metavar="REQUEST...", help="Such as: set learning_rate=0.03, undo, stop."),
]
AtStep = Annotated[
    int | None, typer.Option("--at", min=1, metavar="STEP", help="At the end of this step.")
]
Note = Annotated[str | None, typer.Option(help="A note that is kept beside the request.")]
Wait = Annotated[float, typer.Option(min=0.0, help="Seconds to wait for the answer.")]


def control(
    run: RunPlace,
    request: Words,
    at_step: AtStep = None,
    note: Note = None,
    wait: Wait = 30.0,
    as_json: AsJson = False,
) -> None:
    """Ask the panda of a run for something; exit code 1 where it refuses."""
    from caviar.runner.panda.control import ask, folder_at, whoever

    words = [*request, *_option("--at", at_step), *_option("--note", note)]
    answer = ask(folder_at(run), shlex.join(words), f"control {whoever()}", wait)
    if as_json:
        say(json.dumps(answer._asdict()))
    else:
        say(printable(answer.says if answer.accepted else f"refused: {answer.says}"))
    if not answer.accepted:
        raise SystemExit(FAILED)


def _option(name: str, value: object) -> list[str]:
    return [] if value is None else [name, str(value)]

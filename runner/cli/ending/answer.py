"""`caviar report`, and what a run prints at its end: the answer, and where its page is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from caviar.runner.cli import options
from caviar.runner.cli.carry_out import some_must_be_finite
from caviar.runner.cli.checks import storage_of
from caviar.runner.cli.ending.exit_codes import DONE, FAILED, leave
from caviar.runner.cli.terminal import say
from caviar.runner.errors import AllDivergedError

if TYPE_CHECKING:
    from caviar.analysis.report.page.picture import Drawing
    from caviar.runner.study.plan import Plan

PAGE = "report: "
"""What the line begins with that names the page of a report."""


def told(plan: Plan, root: str, report: bool, drawing: Drawing | None, show: bool) -> int:
    """Report on a run that was not interrupted, or see at least that it has an answer; a part of a
    study answers nothing alone."""
    if plan.part is not None:
        say(
            f"shard {plan.part.number} of {plan.part.of} is done; once all are, `caviar merge` "
            "joins them"
        )
        return DONE
    if report:
        return reported(root, drawing, show=show)
    some_must_be_finite(root)
    return DONE


def reported(
    root: str,
    drawing: Drawing | None,
    beside: Sequence[str] = (),
    out: str | None = None,
    *,
    full: bool = False,
    show: bool = False,
    files: bool = False,
    intervened: bool = False,
) -> int:
    """Print the answer of a run and write its page; the exit code of that."""
    from caviar.analysis.report.figure_files import picture_and_files
    from caviar.analysis.report.page.picture import picture_of
    from caviar.runner.cli.report import first_screen_of, in_full, opened, written

    drawn = drawing or (picture_and_files if files else picture_of)
    telling, line = in_full if full else first_screen_of(root), ""
    try:
        for line in written(root, beside, drawn, out, telling, intervened=intervened):
            say(line)
    except AllDivergedError as error:
        say(str(error))
        return FAILED
    if show and line.startswith(PAGE):
        say(opened(line.removeprefix(PAGE)))
    return DONE


def report(
    context: typer.Context,
    run: options.RunPlace,
    beside: options.Beside = None,
    out: options.ReportPlace = None,
    full: options.Full = False,
    show: options.Open = False,
    files: options.Files = False,
    intervened: options.Intervened = False,
) -> None:
    """Print the answer of a run and write its report."""
    from caviar.runner.session.run_folder import read_study_json

    for folder in (run, *(beside or ())):
        read_study_json(storage_of(folder))
    drawing, more = context.obj.drawing, beside or []
    how = {"full": full, "show": show, "files": files, "intervened": intervened}
    leave(reported(run, drawing, more, out, **how))

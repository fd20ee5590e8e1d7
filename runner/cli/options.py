"""The arguments and options of `caviar run`, and RUN, which other commands take too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caviar.runner.errors import RequestError
from caviar.runner.executors.choice import Where


def _text(places: str | list[str] | None) -> str | list[str] | None:
    """Places as they are; Arrow opens none whose name is no UTF-8."""
    for place in [places] if isinstance(places, str) else places or ():
        if not place.isascii() and place != place.encode(errors="replace").decode():
            raise RequestError(f"{place!r} is not UTF-8; use another name")
    return places


RunPlace = Annotated[
    str, typer.Argument(metavar="RUN", callback=_text, help="The folder or URI of a run.")
]
StudyFile = Annotated[
    Path | None, typer.Argument(metavar="[STUDY.toml]", help="Default: the quickstart.")
]
On = Annotated[Where, typer.Option(help="Where trials run.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Default: one per core.")]
Address = Annotated[str | None, typer.Option(help="Address of a running Ray cluster.")]
Out = Annotated[str | None, typer.Option(callback=_text, help="Folder or URI; default: runs/NAME.")]
Trials = Annotated[int | None, typer.Option(min=1, help="Run only the first N trials.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the study.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, run nothing.")]
Pilot = Annotated[
    str | None, typer.Option(help="With --dry-run: a run whose spread the power is from.")
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write the HTML report.")]
OtherProcessor = Annotated[
    bool,
    typer.Option(
        "--accept-other-processor", help="Resume a run that another processor's kernel began."
    ),
]

"""`caviar watch`: a page of a run that follows it while it is written."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from caviar.runner.cli.options import Open, RunPlace
from caviar.runner.cli.terminal import flush, say
from caviar.runner.errors import RequestError

PageFile = Annotated[
    Path | None,
    typer.Option("--file", help="Write the page into this file every few seconds; no server."),
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port of the server; 0 is any free one.")
]


Look = Callable[[], Mapping[str, Any]]


def watch(run: RunPlace, file: PageFile = None, port: Port = 0, show: Open = False) -> None:
    """Show a run on a page that follows it while it is written, until Ctrl-C.

    The page is served on this machine alone; its address holds a key, without which it is refused.
    """
    if file is not None and port:
        raise RequestError("--file writes the page without a server, so that --port has no use")
    if file is not None and not file.name:
        raise RequestError(f"--file {str(file)!r} names no file; give one, as watch.html")
    look = looking(run)
    if file is None:
        _served(look, port, show)
    else:
        _written(look, file, show)


def looking(run: str) -> Look:
    """What looks at a run, and reads only part files that it has not read; raises RequestError
    where no run lies or a file is damaged."""
    from caviar.analysis.report.living.followed import (
        KEPT,
        KEPT_OF_MODEL,
        Parts,
        followed,
        further,
    )
    from caviar.analysis.report.living.snapshot import snapshot
    from caviar.analysis.run.stored.location import place_at
    from caviar.runner.cli.status import state_at
    from caviar.runner.session.run_log import stamp
    from caviar.runner.verify.state import text

    parts: Parts = {}

    def look() -> dict[str, Any]:
        nonlocal parts
        now = time.time()
        state = state_at(run, now)
        try:
            parts = further(place_at(run), parts, KEPT_OF_MODEL if state.model else KEPT)
        except ValueError as error:
            raise RequestError(str(error)) from None
        described = {**asdict(state), "says": text(state).splitlines()[1].strip()}
        return snapshot({**described, "seen": stamp(now), "problem": ""}, followed(parts))

    return look


def _served(look: Look, port: int, show: bool) -> None:
    from caviar.analysis.report.explorer.explorer import as_json
    from caviar.analysis.report.living.page import living_page
    from caviar.runner.living.follow import follow
    from caviar.runner.living.server import Served, serving

    served = Served()

    def publish(snapshot: Mapping[str, Any]) -> None:
        served.page = living_page(snapshot, "fetch").encode("utf-8", "replace")
        served.state = as_json(snapshot).encode("utf-8", "replace")

    publish(look())
    with serving(served, port) as address:
        _tell(f"open {address}\n(whoever has this address can read the page; Ctrl-C ends)")
        _shown(address, show)
        follow(look, publish, _tell, time.monotonic, time.sleep)


def _written(look: Look, file: Path, show: bool) -> None:
    from caviar.analysis.report.living.page import living_page
    from caviar.runner.living.follow import follow
    from caviar.runner.store.whole_files import write_whole

    def write(snapshot: Mapping[str, Any], refresh: Literal["reload", "none"] = "reload") -> None:
        page = living_page(snapshot, refresh)
        try:
            write_whole(file, page.encode("utf-8", "replace"))
        except OSError as error:
            raise RequestError(f"cannot write {str(file)!r} ({error.strerror})") from None

    write(look())
    _tell(f"open {file} in a browser (Ctrl-C ends)")
    _shown(file.resolve().as_uri(), show)
    # Its last page does not load itself again.
    write(follow(look, write, _tell, time.monotonic, time.sleep), "none")


def _shown(address: str, show: bool) -> None:
    if show and not webbrowser.open(address):
        _tell("no browser could be started here; open it yourself")


def _tell(text: str) -> None:
    say(text)
    flush()

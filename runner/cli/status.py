"""`caviar status`: how far runs are, once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from caviar.runner.cli.options import AsJson, RunPlaces, Watch
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    from caviar.runner.verify.state import RunState

RUNS = "runs"
"""Where `caviar run` puts runs by default."""

WATCH_SECONDS = 2.0
CLEAR = "\033[H\033[2J"


def status(runs: RunPlaces = None, watch: Watch = False, as_json: AsJson = False) -> None:
    """Say how far runs are, who works on them, and what failed; without RUN, all under `runs/`."""
    places = runs or _runs_here()
    show = as_data if as_json else _as_text
    if watch:
        watched(places, show, time.time, time.sleep)
    else:
        show([state_at(place, time.time()) for place in places])


def watched(
    places: Sequence[str],
    show: Callable[[Sequence[RunState]], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Show the state of runs again and again, until none is running or Ctrl-C."""
    try:
        while True:
            states = [state_at(place, clock()) for place in places]
            if sys.stdout.isatty():
                sys.stdout.write(CLEAR)
            show(states)
            sys.stdout.flush()
            if not any(state.state == "running" for state in states):
                return
            sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


@contextmanager
def for_programs(place: str) -> Iterator[None]:
    """Send what is printed to stderr, and the state of the run at the end to stdout, as JSON."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit:
        as_data([state_at(place, time.time())])
        raise
    as_data([state_at(place, time.time())])


def _runs_here() -> list[str]:
    places = sorted(str(study.parent) for study in Path(RUNS).glob("*/study.json"))
    if not places:
        raise RequestError(
            f"no run lies under {RUNS!r} here; name a RUN, or begin one with `caviar run`"
        )
    return places


def state_at(place: str, now: float) -> RunState:
    """The state of the run at a folder or URI, `now` in seconds since 1970."""
    from caviar.runner.store.open import storage_at
    from caviar.runner.verify.state import state_of

    return state_of(storage_at(place), now)


def _as_text(states: Sequence[RunState]) -> None:
    from caviar.runner.verify.state import text

    for state in states:
        say(f"{state.run}\n{text(state)}" if len(states) > 1 else text(state))


def as_data(states: Sequence[RunState]) -> None:
    """Print the states as a JSON list."""
    import json
    from dataclasses import asdict

    say(json.dumps([asdict(state) for state in states], indent=1))

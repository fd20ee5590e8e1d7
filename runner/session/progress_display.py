"""What a run prints while it runs: one live region on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from caviar.runner.errors import printable
from caviar.runner.session.live_curves import LiveCurves, laid_out, signs_for
from caviar.runner.session.loop import Progress
from caviar.runner.session.pace import PACE
from caviar.runner.trial.events import Event, Idle, Job, Outcome, WorkerDied

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WAITING_SECONDS = 60.0
"""After this long without a running trial, a message says so, and again each time as long."""


def duration(seconds: float | None) -> str:
    """`1 h 02 min`, `3 min 05 s`, `12 s`, or `?`."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def line(progress: Progress) -> str:
    """The state of a run in one line."""
    parts = [
        f"{progress.done}/{progress.total} trials",
        f"{len(progress.running)} running",
        f"{progress.failed} failed",
        f"{progress.outcomes['diverged']} diverged",
        *([f"{early} stopped early"] if (early := progress.outcomes["stopped"]) else []),
        f"{progress.rows:,} rows",
        f"{duration(progress.seconds)} elapsed",
        f"about {duration(progress.seconds_left)} left",
    ]
    return " · ".join(parts)


def failure(outcome: Outcome) -> str:
    """The first failure with its whole traceback, printed at once."""
    return (
        f"trial {outcome.trial_id} {outcome.status}: {outcome.error}\n{outcome.traceback}".rstrip()
    )


def failures(progress: Progress, where: str) -> list[str]:
    """The trials that failed or were lost, and the commands that say more; empty if none."""
    if not progress.failures:
        return []
    shown = [f"  {o.trial_id} {o.status}: {o.error}" for o in progress.failures]
    more = progress.failed - len(shown)
    return [
        f"failed or lost: {progress.failed}",
        *shown,
        *([f"  and {more} more"] if more else []),
        f"`caviar status {where}` lists all of them; "
        f"`caviar replay {where} {progress.failures[0].trial_id}` computes the first one again",
    ]


class Display:
    """Shows progress on a console until closed; `clock` gives seconds that only grow.

    A terminal also shows the losses of the `jobs` so far.
    """

    def __init__(
        self,
        console: Console,
        line_seconds: float = PACE.line_seconds,
        clock: Callable[[], float] = time.monotonic,
        jobs: Sequence[Job] = (),
    ) -> None:
        self._console = console
        self._curves = LiveCurves(jobs)
        self._clock = clock
        self._live = None
        self._line_seconds = line_seconds
        self._next = self._clock() + line_seconds
        self._failure_shown = False
        self._news = self._waits_from = self._clock()
        if console.is_terminal:
            from rich.live import Live

            self._live = Live(console=console, refresh_per_second=4, transient=True)
            self._live.start()

    def __call__(self, progress: Progress, event: Event) -> None:
        if isinstance(event, WorkerDied):
            self._say(f"trial {event.job.trial_id}: {event.reason}")
        while progress.notes:
            self._say(progress.notes.pop(0))
        self._watch(progress, event)
        if progress.failures and not self._failure_shown:
            self._failure_shown = True
            self._say(failure(progress.failures[0]))
        if self._live is not None:
            self._curves(event)
            self._live.update(region(progress, self._losses()))
        elif self._clock() >= self._next:
            self._next = self._clock() + self._line_seconds
            self._say(line(progress))

    def _losses(self) -> str:
        lines = self._curves.lines(signs_for(self._console.encoding))
        return laid_out(lines[: max(0, self._console.height - KEPT_FREE)], self._console.width)

    def _watch(self, progress: Progress, event: Event) -> None:
        """Say once in a while that no worker takes a trial, e.g. because every machine is lost."""
        now = self._clock()
        if progress.running or not isinstance(event, Idle):
            self._news = self._waits_from = now
        elif now - self._waits_from >= WAITING_SECONDS:
            self._waits_from = now
            self._say(
                f"no worker has taken a trial for {duration(now - self._news)}: waiting for one "
                "to start (Ctrl-C stops; the same command resumes)"
            )

    def _say(self, text: str) -> None:
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


KEPT_FREE = 6
"""Lines of a terminal that losses leave: the bar, the counts, and what is above."""


def region(progress: Progress, losses: str) -> Table:
    """The live region: a bar, the counts, and the losses so far."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_row(ProgressBar(total=progress.total, completed=progress.done, width=40))
    grid.add_row(line(progress))
    grid.add_row(Text(losses))
    return grid

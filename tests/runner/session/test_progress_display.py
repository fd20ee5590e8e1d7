"""What a run prints while it runs."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from caviar.runner.session.loop import Progress
from caviar.runner.session.progress_display import Display, duration, failures, line, region
from caviar.runner.trial.events import Idle, Job, Outcome, WorkerDied
from tests.runner.helpers import TINY, jobs_of, plan_of

JOB: Job = jobs_of(plan_of(*TINY))[0]
FAILURE = Outcome("0123456789ab", 0, "failed", error="E: [red]no[/red]", traceback="Trace\n  back")


def screen(terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=60)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def progress(failed: bool = False, clock: Callable[[], float] = lambda: 0.0) -> Progress:
    cost = {"a": 1.0, "b": 3.0}
    state = Progress(total=8, already=2, cost=cost, running={"b"}, rows=12_345, clock=clock)
    state.outcomes.update(["completed", "diverged", *(["failed"] if failed else [])])
    state.failures = [FAILURE] if failed else []
    return state


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "?"), (0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3723, "1 h 02 min")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_one_line_has_the_counts() -> None:
    output = line(progress(failed=True))
    assert output.startswith("5/8 trials · 1 running · 1 failed · 1 diverged · 12,345 rows · ")


def test_time_left_is_the_share_of_cost() -> None:
    times = iter([100.0, 110.0])
    state = progress(clock=lambda: next(times))
    assert state.seconds_left is None
    state.cost_done = 1.0
    assert state.seconds_left == pytest.approx(30)


def test_a_failure_is_shown_once_and_as_it_is() -> None:
    console = screen()
    display = Display(console)
    for _ in range(3):
        display(progress(failed=True), FAILURE)
    display.close()
    assert text(console) == "trial 0123456789ab failed: E: [red]no[/red]\nTrace\n  back\n"


def test_failures_are_listed_with_the_commands_that_say_more() -> None:
    state = progress(failed=True)
    state.outcomes["lost"] = 2
    assert failures(state, "runs/x") == [
        "failed or lost: 3",
        "  0123456789ab failed: E: [red]no[/red]",
        "  and 2 more",
        "`caviar status runs/x` lists all of them; "
        "`caviar replay runs/x 0123456789ab` computes the first one again",
    ]
    assert failures(progress(), "runs/x") == []


def test_a_dead_worker_is_named() -> None:
    console = screen()
    Display(console)(progress(), WorkerDied(JOB, "killed by SIGKILL"))
    assert text(console) == f"trial {JOB.trial_id}: killed by SIGKILL\n"


def test_plain_output_is_a_line_now_and_then() -> None:
    now = [0.0]
    console = screen()
    display = Display(console, clock=lambda: now[0])
    for second in range(25):
        now[0] = float(second)
        display(progress(), Idle())
    assert len(text(console).splitlines()) == 2


def test_a_terminal_has_a_live_region_that_goes_away() -> None:
    console = screen(terminal=True)
    display = Display(console)
    display(progress(failed=True), FAILURE)
    display.close()
    display.close()
    assert "[red]no[/red]" in text(console)
    assert region(progress(), "").row_count == 3


def test_waiting_for_workers_is_said_once_in_a_while() -> None:
    now = [0.0]
    console = screen()
    display, stuck, busy = Display(console, clock=lambda: now[0]), progress(), progress()
    stuck.running.clear()
    for second in range(0, 200, 5):
        now[0] = float(second)
        display(busy if second < 30 else stuck, Idle())
    messages = [
        x for x in text(console).splitlines() if x.startswith("no worker has taken a trial")
    ]
    assert [x.split(":")[0] for x in messages] == [
        "no worker has taken a trial for 1 min 00 s",
        "no worker has taken a trial for 2 min 00 s",
    ]
    display(stuck, WorkerDied(JOB, "x"))
    now[0] += 59
    display(stuck, Idle())
    assert text(console).count("no worker") == 2

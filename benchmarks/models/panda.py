"""Training steps per second of a panda with its screen, drawn 20 times per second, and without.

Both sides are the same session with its worker process, an edit and so two trainings side by side,
at full speed. The screen is drawn on a terminal of 140 x 45 (a pty, read by the parent process).
Sides take turns, so that drift hits both alike.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # For what benchmarks share.

import machine  # isort: skip  # sets the threads before numpy loads

import json
import os
import pty
import struct
import tempfile
import termios
import threading
import time
from fcntl import ioctl
from math import exp, log
from typing import NamedTuple

from caviar.runner.cli.panda.conduct import How, begun, in_a_thread
from caviar.runner.cli.panda.screen.app import PandaApp
from caviar.runner.cli.panda.screen.plain import OfPanda
from caviar.runner.cli.panda.screen.signs import Signs
from caviar.runner.panda.session import Session
from caviar.runner.panda.view import View
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study

COLUMNS, LINES = 140, 45


class Sizes(NamedTuple):
    """Networks, as settings of the quickstart with the steps that take about a minute, and rounds;
    a side is measured for so many seconds after the first of both trainings has begun."""

    networks: dict[str, tuple[str, ...]]
    rounds: int
    seconds: float


SIDES = ("headless", "screen")
FULL = Sizes(
    {
        "64-128-128-10, m = 4": ("budget={ steps = 40000 }",),
        "64-128-128-10, m = 256": ("norm_batch_size=[256]", "budget={ steps = 40000 }"),
        "64-512-512-10, m = 32": (
            "norm_batch_size=[32]",
            "hidden=[512,512]",
            "budget={ steps = 6000 }",
        ),
    },
    5,
    15.0,
)
QUICK = Sizes({"64-128-128-10, m = 4": ("budget={ steps = 40000 }",)}, 1, 1.0)


class Measured(NamedTuple):
    """Steps per second of both trainings together, redraws per second, and the share of one core
    that the process of the screen takes."""

    steps: float
    redraws: float
    share: float


class Counting(OfPanda):
    """Counts how often the screen looks."""

    looks = 0

    def view(self) -> View:
        self.looks += 1
        return super().view()


def taken(session: Session) -> int:
    """Steps of all lineages since each began."""
    return sum(lineage.step - lineage.born for lineage in session.view().lineages)


def window(session: Session, counting: Counting, seconds: float) -> Measured:
    """Edit the training, and measure it from then on."""
    while session.view().lineages[0].step == 0:
        time.sleep(0.01)
    assert session.ask("set learning_rate*=0.5", "python").accepted
    while taken(session) <= session.view().lineages[-1].born:
        time.sleep(0.01)
    looks, steps = counting.looks, taken(session)
    used, began = time.process_time(), time.perf_counter()
    time.sleep(seconds)
    passed = time.perf_counter() - began
    assert not session.view().ended, "the training is too short to be measured"
    return Measured(
        (taken(session) - steps) / passed,
        (counting.looks - looks) / passed,
        (time.process_time() - used) / passed,
    )


def measured(side: str, settings: tuple[str, ...], seconds: float) -> Measured:
    """One side, in this process, whose terminal is a pty."""
    plan = make_plan(read_study(None, ["replicas=8", *settings]), 1)
    with (
        tempfile.TemporaryDirectory() as folder,
        begun(plan, None, f"{folder}/run", How(stays=True)) as session,
        in_a_thread(session),
    ):
        counting = Counting(session)
        if side == "headless":
            return window(session, counting, seconds)
        app, results = PandaApp(counting, Signs(True)), []

        def measure() -> None:
            results.append(window(session, counting, seconds))
            app.call_from_thread(app.exit)

        thread = threading.Thread(target=measure)
        thread.start()
        app.run()
        thread.join()
        return results[0]


def in_a_terminal(side: str, settings: tuple[str, ...], seconds: float) -> Measured:
    """The same in a process of its own, on a pty that this one reads."""
    reading, writing = os.pipe()
    child, terminal = pty.fork()
    if not child:
        ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.environ.update(TERM="xterm-256color")
        with os.fdopen(writing, "w") as answer:
            json.dump(measured(side, settings, seconds), answer)
        sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    shown = bytearray()
    while True:
        try:
            drawn = os.read(terminal, 1 << 16)
        except OSError:  # The child has ended.
            break
        if not drawn:
            break
        shown = (shown + drawn)[-2000:]
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        content = answer.read()
    assert content, shown.decode(errors="replace")
    return Measured(*json.loads(content))


def mean(values: list[float]) -> float:
    """The geometric mean."""
    return exp(sum(map(log, values)) / len(values))


def table(sizes: Sizes) -> None:
    """Print a row per network: both speeds, and how they compare."""
    print(machine.describe())
    head = (
        "network | headless (steps/s) | with the screen | ratio | lowest | redraws/s | of one core"
    )
    print(f"\n| {head} |\n| --- |{' ---: |' * head.count('|')}", flush=True)
    for name, settings in sizes.networks.items():
        rounds: dict[str, list[Measured]] = {side: [] for side in SIDES}
        for turn in range(sizes.rounds):
            for side in SIDES if turn % 2 else SIDES[::-1]:
                rounds[side].append(in_a_terminal(side, settings, sizes.seconds))
        bare, drawn = ([one.steps for one in rounds[side]] for side in SIDES)
        ratios = [two / one for one, two in zip(bare, drawn, strict=True)]
        redraws = mean([one.redraws for one in rounds["screen"]])
        share = mean([one.share for one in rounds["screen"]])
        print(
            f"| {name} | {mean(bare):,.0f} | {mean(drawn):,.0f} | {mean(ratios):.3f} | "
            f"{min(ratios):.3f} | {redraws:.1f} | {share:.0%} |",
            flush=True,
        )


if __name__ == "__main__":
    table(machine.chosen(__doc__, FULL, QUICK))

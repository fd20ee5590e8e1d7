"""Random edits, rewinds, forks and kill -9 of worker and driver: equal to what nothing happened to.

Kills come at any moment: while a driver starts, beside a request that is under way, while rows are
written. The uninterrupted self is a worker of this process that gets the same accepted requests.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.errors import RequestError
from caviar.runner.panda.record.run import read_panda
from caviar.runner.store.open import storage_at
from tests.runner.forked import forked_driver, forked_worker
from tests.runner.helpers import settings_of
from tests.runner.panda.live import (
    asked,
    must_equal_its_uninterrupted_self,
    until,
    worker_of,
)
from tests.runner.panda.pandas import STUDY, plan_of_one

PLAN = plan_of_one()
CARRY_OUT = partial(carried_out, start_process=forked_worker)
PACE = ("--no-screen", "--pace", "30")


class Life:
    """A panda whose processes are killed now and then, and what is asked of it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.run = root, root / "run"
        self.draw = random.Random(seed)
        self.names: list[str] = []
        self.process = self.begun()

    def begun(self) -> subprocess.Popen[str]:
        """The program anew: it resumes where there is something to resume."""
        try:
            read_panda(storage_at(self.run))
            words = ["--resume", "run"]
        except RequestError:
            shutil.rmtree(self.run, ignore_errors=True)
            words = ["--out", "run", *settings_of(STUDY)]
        return forked_driver(CARRY_OUT, "panda", *PACE, *words, cwd=self.root)

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    def ask(self, text: str) -> None:
        """Ask once somebody listens, or until the training is over."""
        until(lambda: self.over or asked(self.run, text) is not None)

    def kill_worker(self) -> None:
        worker = worker_of(self.process.pid)
        if worker is not None:
            with suppress(ProcessLookupError):  # It has ended meanwhile.
                os.kill(worker, signal.SIGKILL)

    def kill_driver(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self.process = self.begun()

    def kill_beside(self, kill: Callable[[], None]) -> None:
        """Kill while a request is under way."""
        text = self.request()
        asking = threading.Thread(target=asked, args=(self.run, text))
        asking.start()
        time.sleep(self.draw.choice((0.0, 0.005, 0.02, 0.05)))
        kill()
        asking.join()

    def request(self) -> str:
        """Anything that may be asked; much of it is refused."""
        draw = self.draw
        kind = draw.choice(("set", "set", "set", "reset", "recompute", "move", "snapshot", "time"))
        later = draw.choice(("", "", f" --at {draw.randrange(1, 119)}"))
        if kind == "set":
            rate = draw.choice(("learning_rate*=0.5", "learning_rate*=1.5"))
            settings = (
                *(rate, "momentum=0.7", "decay=0.8", "dropout=0.1", "weight_decay=0.001"),
                *("norm_batch_size=8", "schedule=constant"),
            )
            return f"set {' '.join(draw.sample(settings, draw.choice((1, 1, 2))))}{later}"
        if kind == "reset":
            return f"reset {draw.choice(('dense1', 'norm1', 'dense2'))}{later}"
        if kind == "recompute":
            return f"recompute{later}"
        if kind == "snapshot":
            self.names.append(f"s{len(self.names)}")
            return f"snapshot {self.names[-1]}{later}"
        if kind == "move":
            moves = ["undo", "fork", f"select {draw.randrange(4)}"]
            return draw.choice([*moves, *(f"rewind {name}" for name in self.names)])
        return draw.choice(("pause", "go", f"step {draw.randrange(1, 9)}", "pace 60"))

    def live(self, events: int) -> None:
        """So many things happen, then all is trained to the end."""
        kills: list[Callable[[], None]] = [self.kill_worker, self.kill_driver]
        for _ in range(events):
            what = self.draw.random()
            if what < 0.12:
                self.draw.choice(kills)()
            elif what < 0.3:
                self.kill_beside(self.draw.choice(kills))
            elif not self.over:
                self.ask(self.request())
        while not self.over:
            self.ask("finish")
            until(lambda: self.over)
        out, err = self.process.communicate()
        assert self.process.returncode == 0, out + err


def lived(root: Path, seed: int, events: int) -> int:
    life = Life(root, seed)
    try:
        life.live(events)
        return must_equal_its_uninterrupted_self(life.run, PLAN)
    finally:
        life.process.kill()
        life.process.communicate()


@pytest.mark.parametrize("seed", range(5))
def test_a_life_with_kills_equals_its_uninterrupted_self(tmp_path: Path, seed: int) -> None:
    assert lived(tmp_path, seed, events=10) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 55))
def test_fifty_lives_with_kills(tmp_path: Path, seed: int) -> None:
    assert lived(tmp_path, seed, events=16) >= 1

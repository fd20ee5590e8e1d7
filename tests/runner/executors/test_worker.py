"""A worker on its own: what it reports about its kernel, and when it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import caviar
from caviar.runner.executors.worker_process import PROGRAM
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Refused
from caviar.runner.trial.kernels import TrainingPath

Worker = tuple["subprocess.Popen[bytes]", Connection]


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker that waits for its first message."""
    ours, its = Pipe()
    root = str(Path(caviar.__file__).parents[1])
    words = [sys.executable, "-P", "-c", PROGRAM, str(its.fileno()), root]
    with subprocess.Popen(words, stdin=subprocess.PIPE, pass_fds=[its.fileno()]) as process, ours:
        its.close()
        yield process, ours
        process.kill()


def test_a_worker_with_another_kernel_says_so_and_ends(worker: Worker) -> None:
    process, connection = worker
    connection.send([])
    connection.send((print, None, TrainingPath.numpy, "no such kernel"))
    (refused,) = connection.recv()
    assert isinstance(refused, Refused) and "no such kernel" in str(refused)
    assert process.wait(60) == 0


@pytest.mark.parametrize("end", ["input", "pipe"])
def test_a_worker_ends_with_its_driver(end: str, worker: Worker) -> None:
    process, connection = worker
    connection.send([])
    connection.send((print, None, TrainingPath.numpy, arithmetic().kernel))
    if end == "input":
        assert process.stdin is not None
        process.stdin.close()
    else:
        connection.close()
    assert process.wait(60) == (1 if end == "input" else 0)

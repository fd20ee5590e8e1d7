"""The process of a local worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import caviar
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.trial.arithmetic import same_kernel

StartProcess = Callable[[Connection], "subprocess.Popen[bytes]"]
"""Starts a process that serves a connection, and ends when its standard input, a pipe, ends.

Tests that start hundreds of workers fork them instead.
"""

PROGRAM = """
import sys
try:
    sys.path.insert(0, sys.argv.pop()); import caviar; del sys.path[0]
    from caviar.runner.executors.worker import main; main()
except Exception as error:
    from multiprocessing.connection import Connection
    Connection(int(sys.argv[1])).send(f"{type(error).__name__}: {error}")
    raise
"""
"""What a worker runs: the driver's caviar, wherever it lies, and nothing else from that folder.

A worker that cannot start tells the driver why, without caviar.

With `-P`, Python does not search the working folder, which may hold a `types.py` or a `model.py`
of the user's. `multiprocessing` would run the user's script again in every worker.
"""


def spawned(connection: Connection) -> subprocess.Popen[bytes]:
    """Start Python anew, with one BLAS thread and the kernel of this process."""
    root = str(Path(caviar.__file__).parents[1])
    command = [sys.executable, "-P", "-c", PROGRAM, str(connection.fileno()), root]
    # Its standard input ends with the driver, and so does the worker.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, pass_fds=[connection.fileno()], env=environment()
    )


def environment() -> dict[str, str]:
    """The environment of a worker: its BLAS reads these variables when numpy loads."""
    named = ONE_BLAS_THREAD | same_kernel()
    return {**os.environ, **{name: value for name, value in named.items() if value}}

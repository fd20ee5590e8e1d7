"""A local worker: a process that runs job after job until its driver ends.

It is started by `caviar.runner.executors.worker_process`, and never runs the driver's `__main__`.
"""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection

from caviar.runner.executors.batches import messages
from caviar.runner.executors.executor import other_kernel
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Refused

MESSAGE_SECONDS = 0.05
"""How long the events of short trials wait for each other, so that they share a message."""


def main() -> None:
    """Serve the connection whose file descriptor is the first argument."""
    serve(Connection(int(sys.argv[1])))


def serve(connection: Connection) -> None:
    """Receive the driver's import path; the trial function, the data, the path and its
    kernel; then lists of jobs.

    A worker with another kernel reports it and exits.

    The driver's path comes after the worker's own, so that a `types.py` of the user's does not
    hide a module of the standard library.
    """
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    try:
        sys.path += [entry for entry in connection.recv() if entry not in sys.path]
        run, data, path, kernel = connection.recv()
        own_kernel = arithmetic(path).kernel
        if own_kernel != kernel:
            connection.send([Refused(other_kernel("the local worker", own_kernel, kernel))])
            return
        while True:
            jobs = connection.recv()
            # The events of a trial that travels alone are sent as they come.
            for message in messages(run, jobs, data, MESSAGE_SECONDS if len(jobs) > 1 else 0.0):
                connection.send(message)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # The driver is gone; there is no one left to report to.


def _end_with_the_driver() -> None:
    """End this process when its driver ends: a killed driver cannot stop its workers.

    Only the driver holds the other end of this process's standard input, and it writes nothing.
    """
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)

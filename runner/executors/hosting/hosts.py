"""One worker that keeps what it was told: it answers calls in turn, in a process of its own."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.executors.executor import SAME_KERNEL
from caviar.runner.executors.processes import connected, death
from caviar.runner.executors.worker_process import StartProcess
from caviar.runner.trial.events import Refused
from caviar.runner.trial.kernels import TrainingPath

Answering = Callable[[Any, Data], Iterator[Any]]
"""Yields one answer to each call; made once in the worker, so that it may remember."""


class HostDiedError(Exception):
    """The worker is gone; the message is all that is known."""


class Host(Protocol):
    """A worker somewhere: calls go in, and answers come out in the same order.

    `receive` gives None where no answer comes within `seconds`, and raises HostDiedError once the
    worker is gone. `where` is its machine.
    """

    where: str

    def submit(self, call: object) -> None: ...

    def receive(self, seconds: float) -> Any: ...

    def close(self) -> None: ...


class Hosts(Protocol):
    """A place where such workers start, one after another."""

    def start(self) -> Host: ...

    def close(self) -> None: ...


class LocalHosts:
    """Workers in processes of this machine."""

    def __init__(
        self, answering: Answering, data: Data, path: TrainingPath, start_process: StartProcess
    ) -> None:
        self._worker = (answering, data, path, start_process)

    def start(self) -> Host:
        return ProcessHost(*self._worker)

    def close(self) -> None:
        pass


class ProcessHost:
    """A worker in a process of this machine, which ends with its driver."""

    def __init__(
        self, answering: Answering, data: Data, path: TrainingPath, start_process: StartProcess
    ) -> None:
        self.where = platform.node()
        self._process, self._connection = connected(start_process, answering, data, path)

    @property
    def process(self) -> int:
        """The process's number."""
        return self._process.pid

    def submit(self, call: object) -> None:
        try:
            self._connection.send([call])
        except OSError:
            return  # It is gone, as `receive` says.

    def receive(self, seconds: float) -> Any:
        try:
            if not self._connection.poll(seconds):
                return None
            message = self._connection.recv()
        except (EOFError, OSError):
            self._connection.close()
            with self._process as process:
                raise HostDiedError(death(process.wait())) from None
        if isinstance(message, str):
            raise HostDiedError(f"the worker process could not start: {message}")
        (answer,) = message
        if isinstance(answer, Refused):
            raise RequestError(f"{answer.reason}; {SAME_KERNEL}")
        return answer

    def close(self) -> None:
        """End the worker now."""
        self._process.kill()
        self._connection.close()
        with self._process as process:
            process.wait()

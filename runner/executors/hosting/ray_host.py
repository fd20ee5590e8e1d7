"""One worker that keeps what it was told, as a Ray actor."""

from __future__ import annotations

from collections import deque
from typing import Any

from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import environment
from caviar.runner.executors.executor import SAME_KERNEL, other_kernel
from caviar.runner.executors.hosting.hosts import Answering, HostDiedError
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.executors.ray_deaths import QUIET, in_words
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.kernels import TrainingPath

with environment(QUIET):  # Ray reads them when it is imported; later they have no effect.
    import ray
    from ray.exceptions import RayError


class RayHosts:
    """Such workers on a cluster, to which this connects once; see `RayExecutor` for which one."""

    def __init__(
        self, answering: Answering, data: Data, path: TrainingPath, address: str | None
    ) -> None:
        self._executor = RayExecutor(data, 1, address, answering)
        self._path = path

    def start(self) -> RayHost:
        return RayHost(self._executor.start_actor(), self._path)

    def close(self) -> None:
        self._executor.close()


class RayHost:
    """An actor that answers calls in turn.

    Raises RequestError where it computes with another kernel, HostDiedError where it cannot start.
    """

    def __init__(self, actor: Any, path: TrainingPath) -> None:
        self._actor = actor
        self._answers: deque[Any] = deque()
        try:
            self.where, _, self.process, kernel = ray.get(actor.ready.remote(path))
        except RayError as error:
            raise HostDiedError(f"the Ray actor died: {in_words(error)}") from None
        ours = arithmetic(path).kernel
        if kernel != ours:
            why = other_kernel(f"the Ray actor on {self.where}", kernel, ours)
            raise RequestError(f"{why}; {SAME_KERNEL}")

    def submit(self, call: object) -> None:
        stream = self._actor.run.options(num_returns="streaming").remote([call])
        self._answers.append(stream)

    def receive(self, seconds: float) -> Any:
        ready, _ = ray.wait([self._answers[0]], timeout=seconds) if self._answers else ([], [])
        if not ready:
            return None
        try:
            (answer,) = ray.get(next(self._answers.popleft()))
        except (RayError, StopIteration) as error:
            raise HostDiedError(f"the Ray actor died: {in_words(error)}") from None
        return answer

    def close(self) -> None:
        """End the actor now."""
        ray.kill(self._actor)

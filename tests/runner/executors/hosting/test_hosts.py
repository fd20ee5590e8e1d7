"""A worker that remembers: calls in turn, its death told, and no worker left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from caviar.runner.data.splits import Data
from caviar.runner.executors.hosting.hosts import HostDiedError, LocalHosts
from caviar.runner.executors.worker_process import spawned
from caviar.runner.trial.kernels import TrainingPath
from tests.runner.forked import forked_worker, local_workers
from tests.runner.helpers import TINY, plan_of

PLAN = plan_of(*TINY, trials=1)


class Summing:
    """Answers with the sum of all calls so far."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, call: int, data: Data) -> Iterator[tuple[int, int]]:
        self.total += call
        yield self.total, os.getpid()


def answer(host: Any) -> Any:
    while (given := host.receive(1.0)) is None:
        pass
    return given


def test_calls_are_answered_in_turn_by_one_process() -> None:
    hosts = LocalHosts(Summing(), PLAN.data, TrainingPath.numpy, forked_worker)
    host = hosts.start()
    assert host.receive(0.0) is None
    for call in (1, 2, 3):
        host.submit(call)
    answers = [answer(host) for _ in range(3)]
    assert [total for total, _ in answers] == [1, 3, 6]
    assert len({process for _, process in answers}) == 1
    host.close()
    assert not local_workers()


def test_a_killed_worker_is_told_and_another_begins_anew() -> None:
    hosts = LocalHosts(Summing(), PLAN.data, TrainingPath.numpy, forked_worker)
    host = hosts.start()
    host.submit(5)
    _, process = answer(host)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(HostDiedError, match="killed by SIGKILL"):
        while True:
            host.submit(1)
            host.receive(0.05)
    second = hosts.start()
    second.submit(7)
    assert answer(second)[0] == 7
    second.close()


def test_a_worker_that_is_really_started() -> None:
    host = LocalHosts(Summing(), PLAN.data, TrainingPath.numpy, spawned).start()
    host.submit(4)
    assert answer(host)[0] == 4
    host.close()

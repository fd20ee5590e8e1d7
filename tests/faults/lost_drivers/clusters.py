"""A Ray cluster with its driver, all of whose processes a test kills at once."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.runner.clusters import ROOT, descendants, processes, words_of
from tests.runner.helpers import eventually

MARK = "CAVIAR_TEST_CLUSTER"
"""A variable that every process of a cluster inherits, whatever it does to its parent, its group
and its title."""

MACHINES = """
import sys
from ray.cluster_utils import Cluster
small = {"object_store_memory": 100_000_000}
cluster = Cluster(True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small})
for _ in range(2):
    cluster.add_node(num_cpus=1, **small)
print(cluster.address, flush=True)
sys.stdin.read()
"""

PROGRAM = """
from functools import partial
from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.session.pace import Pace
from tests.runner import workers
pace = Pace(checkpoint_seconds=0.2, checkpoints_per_second=1e12, rows_seconds=0.2)
main(partial(carried_out, trial={run}, pace=pace))
"""
"""The program, which writes rows and checkpoints sooner than usual."""


@dataclass(frozen=True)
class LostCluster:
    """A head and two workers of one CPU each; a driver on the head is a part of it."""

    environment: dict[str, str]
    folder: Path

    def drive(self, run: str, *words: str) -> subprocess.Popen[str]:
        """`caviar run ...` on the head, with workers that do `run`; its output goes to a file."""
        with (self.folder / "printed").open("a") as printed:
            return subprocess.Popen(
                [sys.executable, "-c", PROGRAM.format(run=run), *words],
                cwd=ROOT,
                env=self.environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def printed(self) -> str:
        return (self.folder / "printed").read_text(encoding="utf-8")

    def processes(self) -> list[int]:
        """Those that carry the mark, and their offspring: a title that a process gives itself may
        lie over its variables."""
        mark = f"{MARK}={self.environment[MARK]}".encode()
        marked = [pid for pid in processes() if mark in _variables(pid)]
        return list({*marked, *descendants(*marked)})

    def trains(self) -> bool:
        return any(words_of(pid).startswith("ray::_Actor.run") for pid in self.processes())

    def kill(self) -> int:
        """SIGKILL to every process of it, until none is left; returns how many there were."""
        killed: set[int] = set()

        def none_left() -> bool:
            alive = self.processes()
            for pid in alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed.update(alive)
            return not alive

        assert eventually(none_left, 60)
        return len(killed)


def _variables(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def marked(home: Path, scratch: str) -> dict[str, str]:
    """The environment of a new cluster's processes."""
    return {
        **os.environ,
        MARK: secrets.token_hex(8),
        "HOME": str(home),
        "RAY_TMPDIR": scratch,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_prestart_worker_first_driver": "0",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def started_cluster(home: Path) -> Iterator[LostCluster]:
    """A new cluster; whatever a test did to it, nothing is left of it at the end."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as scratch:  # Sockets: short names.
        folder = Path(scratch)
        environment = marked(home, scratch)
        machines = subprocess.Popen(
            [sys.executable, "-c", MACHINES],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        cluster = LostCluster(environment, folder)
        try:
            assert machines.stdout
            environment["RAY_ADDRESS"] = machines.stdout.readline().strip()
            assert environment["RAY_ADDRESS"], "the cluster did not start"
            yield cluster
        finally:
            cluster.kill()
            machines.communicate()

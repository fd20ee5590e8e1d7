"""Ray processes that tests start and find, without touching those of anyone else."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD, environment
from tests.runner.helpers import eventually
from tests.runner.kernels import other_core

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def words_of(pid: int) -> str:
    """The command line of a process, or its title where it gave itself one."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def parent_of(pid: int) -> int:
    try:
        with open(
            f"/proc/{pid}/stat", "rb", buffering=0
        ) as file:  # A test asks thousands of times.
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def descendants(*ancestors: int) -> list[int]:
    parents = {pid: parent_of(pid) for pid in processes()}
    offspring, fresh = [], [*ancestors]
    while fresh:
        fresh = [pid for pid, parent in parents.items() if parent in fresh]
        offspring += fresh
    return offspring


def busy_actors(ancestor: int) -> list[int]:
    """The processes, started by this one's Ray, of actors that have a trial."""
    return [pid for pid in descendants(ancestor) if words_of(pid).startswith("ray::_Actor.run")]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


JOBS = importlib.util.find_spec("aiohttp_cors") is not None
"""Whether ray[default] is installed, which has the server that takes jobs."""

OTHER_PORTS = ("dashboard-agent-listen", "metrics-export", *(["ray-client-server"] if JOBS else []))
"""Ports for which Ray has one default for every cluster on a machine."""


STATE = """
import ray, time
ray.init(address={address!r}, log_to_driver=False, logging_level="ERROR")
@ray.remote(num_cpus=0)  # so that it holds no CPU for a while
def has_caviar():
    import importlib.util
    return importlib.util.find_spec("caviar") is not None
with_caviar = ray.get(has_caviar.remote())
def state():
    free = ray.available_resources().get("CPU"), ray.cluster_resources()["CPU"]
    named = ray.util.list_named_actors(all_namespaces=True)
    return f"{{free}} {{named}} {{ray.util.placement_group_table()}} {{with_caviar}}"
end = time.monotonic() + 60
while {expected!r} not in (None, state()) and time.monotonic() < end:
    time.sleep(0.1)
print(state())
"""

FORGET = "import sys; sys.path = [path for path in sys.path if path != {root!r}]"
"""A `sitecustomize` that hides the clone's own caviar."""

SMALL_NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000}
SOON = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "3",
}


ON_DEMAND = {"RAY_prestart_worker_first_driver": "0"}
"""No Python is started in advance, as on a cluster of the program's own."""


@dataclass(frozen=True)
class Head:
    """A running head, whose workers have no caviar: its addresses for drivers and jobs, its
    environment and its folder."""

    address: str
    jobs: str
    environment: dict[str, str]
    folder: Path

    def state(self, expected: str | None = None) -> str:
        """The free resources, named actors and placement groups, and whether workers have caviar.

        `expected`: what to wait for, at most a minute.
        """
        code = STATE.format(address=self.address, expected=expected)
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.environment["HOME"],  # Ray lets workers import from the driver's folder.
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout.rstrip()

    def files(self) -> set[Path]:
        """All files except those that Ray keeps of every driver and job: logs and shipped code."""
        names = {path.relative_to(self.folder) for path in self.folder.rglob("*")}
        return {path for path in names if not {"logs", "runtime_resources"} & set(path.parts)}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def started_head(home: Path) -> Iterator[Head]:
    """`ray start --head` on free ports; at the end only its own processes are stopped.

    Its workers do not find caviar.
    """
    scratch = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # Unix sockets have short names.
    log_file, port, jobs = scratch / "said", free_port(), free_port()
    (scratch / "sitecustomize.py").write_text(FORGET.format(root=str(ROOT)))
    of_the_home = {"HOME": str(home), "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    for_python = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(scratch)}
    words = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"),
        *(f"--port={port}", f"--dashboard-port={jobs}", f"--temp-dir={scratch}"),
        *(f"--{name}-port={free_port()}" for name in OTHER_PORTS),
        *("--num-cpus=2", "--object-store-memory=100000000", "--disable-usage-stats"),
    ]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            words,
            env={**os.environ, **of_the_home, **ON_DEMAND, **for_python},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{jobs}"
        up = eventually(lambda: process.poll() is not None or "started" in log_file.read_text())
        assert up and process.poll() is None, log_file.read_text()
        assert not JOBS or eventually(lambda: answers(f"{url}/api/version")), log_file.read_text()
        yield Head(f"127.0.0.1:{port}", url, of_the_home, scratch)
    finally:
        process.terminate()
        process.wait(60)
        for pid in processes():
            if str(scratch) in words_of(pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(scratch, ignore_errors=True)


GAVE_UP = "The current node timed out during startup"
"""How the error begins with which Ray gives up a start after 30 s, a limit that nothing changes."""


def tried_twice(start: Callable[[], T]) -> T:
    """What `start` gives: once more where Ray gave up, after an end to what it left running."""
    before = set(descendants(os.getpid()))
    try:
        return start()
    except Exception as error:
        if not str(error).startswith(GAVE_UP):
            raise
    for pid in set(descendants(os.getpid())) - before:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return start()


@contextmanager
def started_machines(home: Path) -> Iterator[Cluster]:
    """A cluster of one machine with one CPU; it notices within seconds that another is gone.

    Its environment asks for two BLAS threads, and for a kernel that this process does not use.
    """
    from ray.cluster_utils import Cluster

    named = {"HOME": str(home), **SOON, **ON_DEMAND, **{name: "2" for name in ONE_BLAS_THREAD}}
    head = {**SMALL_NODE, "include_dashboard": False}
    with environment({**named, "OPENBLAS_CORETYPE": other_core()}):
        cluster = tried_twice(lambda: Cluster(True, head_node_args=head))
    yield cluster
    cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray's own


@contextmanager
def joined_machine(cluster: Cluster, **variables: str | None) -> Iterator[int]:
    """One more machine with these variables in its environment; the process of its raylet."""
    with environment(variables):
        node = tried_twice(lambda: cluster.add_node(**SMALL_NODE))
    try:
        yield node.all_processes["raylet"][0].process.pid
    finally:
        cluster.remove_node(node, allow_graceful=False)

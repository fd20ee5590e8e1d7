"""The settings of every test, and the fixtures that any test may use."""

from __future__ import annotations

import fcntl
import functools
import gc
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import threadpoolctl
import typer
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from caviar.runner.trial.kernels import NAMED, code_folder

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

    from tests.faults.injections import Fault
    from tests.runner.clusters import Head

# A slow or loaded machine is not a fault: examples have no time limit, nor has their search.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

# Tests start some hundred processes; each would compile all of caviar where nothing is kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Where the program keeps the machine code of kernels, so that no process compiles them again.
os.environ.setdefault(NAMED, str(code_folder()))

WITHOUT_TORCH = importlib.util.find_spec("torch") is None
collect_ignore = (
    ["runner/torch_models", "runner/cli/models", "caviar/test_reference.py", "test_audit_page.py"]
    if WITHOUT_TORCH
    else []
)


def pytest_report_header() -> str:
    return "PyTorch is not installed: its tests are LEFT OUT" if WITHOUT_TORCH else ""


RAY_FILES = "test_ray_"


class RayTogether(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files go to a process as a whole, for their fixtures; all of Ray's count as one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        return "ray" if file.name.startswith(RAY_FILES) else str(file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    # `--dist loadgroup` with marks does not work: pytest-xdist 3.8 loses the groups in pytest 9.2.
    return RayTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of Ray come first: they mostly wait, and take longest."""
    for item in items:
        if item.get_closest_marker("ray") and not item.path.name.startswith(RAY_FILES):
            raise pytest.UsageError(f"{item.nodeid} starts Ray; move it to a {RAY_FILES}*.py")
    items.sort(key=lambda item: item.get_closest_marker("ray") is None)


RAY_CLUSTERS = ExitStack()
"""The clusters that tests of Ray share."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the clusters after the last test of Ray: they would use a part of a core to the end."""
    if nextitem is None or nextitem.get_closest_marker("ray") is None:
        RAY_CLUSTERS.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays in memory to the end: until then there is no garbage to look for."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Thousands of tests stay in memory to the end, so garbage collection need not visit them, and
    figures and tables leave so many objects that it is worth waiting for more of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def fault(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[Fault]:
    """The fault that the test's mark `faults("what is broken")` names; ends as properties of the
    test in `--junitxml`."""
    from tests.faults.injections import Fault

    marker = request.node.get_closest_marker("faults")
    injected_fault = Fault(marker.args[0])
    yield injected_fault
    if injected_fault.injected:
        record_property("fault", injected_fault.name)
        record_property("injected", injected_fault.injected)
        record_property("rows_lost", injected_fault.rows_lost)
        record_property("seconds_to_recover", f"{injected_fault.seconds:.2f}")


@pytest.fixture(scope="session", autouse=True)
def hang_ups_are_heard() -> Iterator[None]:
    """Tests send SIGHUP and SIGINT to themselves and their children, which ignore the one under
    `nohup` and the other in the background of a script."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """One BLAS thread, as in the program: the number of threads changes the order of sums."""
    with threadpoolctl.threadpool_limits(1):
        yield


@pytest.fixture(scope="session", autouse=True)
def commands_are_built_once() -> Iterator[None]:
    """Typer builds every command anew whenever the program is called: most of a short call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session")
def s3() -> Iterator[int]:
    """The port of a real server of the S3 protocol, with this process's keys to it."""
    from tests.runner.stores import KEYS, s3_server

    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with s3_server() as port:
            yield port


@pytest.fixture(scope="session")
def ray_head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    """A running head that takes jobs, and whose workers have no caviar."""
    from tests.runner.clusters import started_head

    return RAY_CLUSTERS.enter_context(started_head(tmp_path_factory.mktemp("head")))


@pytest.fixture(scope="session")
def ray_machines(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A running cluster of one machine, to which a test may add others."""
    from tests.runner.clusters import started_machines

    return RAY_CLUSTERS.enter_context(started_machines(tmp_path_factory.mktemp("machines")))


@pytest.fixture(scope="session")
def kernels() -> None:
    """Every kernel on disk, compiled by one of the test processes while the others wait."""
    import numpy as np

    from caviar.model.kernels.readiness import make_ready
    from tests.kernel_runs import training

    with (Path(os.environ[NAMED]) / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for dtype in (np.float32, np.float64):
            make_ready([training(1)], np.float64, dtype)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """While it lasts, stores that are opened try every request once. Only a broken store is met so:
    a healthy one on a busy machine may well need longer than the three seconds of an attempt."""

    @contextmanager
    def once() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setenv("AWS_MAX_ATTEMPTS", "1")
            yield

    return once

"""What every test runs under, and what it may ask for."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import threadpoolctl
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from tests.faults.injections import Fault

# A slow or loaded machine is no fault: an example has no time limit, nor has finding one.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

RAY_FILES = "test_ray_"


class RayTogether(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Whole files per process, for what their fixtures make; those of Ray are one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        return "ray" if file.name.startswith(RAY_FILES) else str(file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    # `--dist loadgroup` with marks is no way: pytest-xdist 3.8 loses the groups under pytest 9.2.
    return RayTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of Ray come first: they mostly wait, and take longest."""
    for item in items:
        if item.get_closest_marker("ray") and not item.path.name.startswith(RAY_FILES):
            raise pytest.UsageError(f"{item.nodeid} starts Ray; move it to a {RAY_FILES}*.py")
    items.sort(key=lambda item: item.get_closest_marker("ray") is None)


def pytest_collection_finish() -> None:
    """Thousands of tests lie in memory to the end: no search for garbage need look at them."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def fault(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[Fault]:
    """The fault that the test's mark `faults("what is broken")` names; ends as properties of the
    test in `--junitxml`."""
    marker = request.node.get_closest_marker("faults")
    found = Fault(marker.args[0])
    yield found
    if found.injected:
        record_property("fault", found.name)
        record_property("injected", found.injected)
        record_property("rows_lost", found.rows_lost)
        record_property("seconds_to_recover", f"{found.seconds:.2f}")


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """As in the program and its workers: the number of threads changes the order of sums."""
    with threadpoolctl.threadpool_limits(1):
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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request to a store is tried once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

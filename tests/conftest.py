"""What every test runs under, and what it may ask for."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.injections import Fault

# A slow or loaded machine is no fault: an example has no time limit, nor has finding one.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


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

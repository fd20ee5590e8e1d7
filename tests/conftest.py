"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import Fault


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

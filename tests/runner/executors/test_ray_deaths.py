"""Ray's pages about a death as one line, and whether a machine was lost with it."""

from __future__ import annotations

import pytest
from ray.exceptions import ActorUnavailableError, NodeDiedError, OutOfMemoryError, RayError

from caviar.runner.executors.ray_deaths import in_words, machine_lost

OUT_OF_MEMORY = (
    "Memory on the node (IP: 192.0.2.7, ID: abc) was 15.2GB / 16.0GB (0.95) is over. "
    "(IP: 192.0.2.7, ID: abc) was 15.2GB used / 16.0GB limit"
)
FULL: Exception = OutOfMemoryError(OUT_OF_MEMORY)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RayError("\x1b[36mray::A.run()\x1b[39m ended\nand a page more"), "ray::A.run() ended"),
        (RayError(""), "RayError"),
        (
            FULL,
            "no memory was left on 192.0.2.7 (15.2GB of 16.0GB used); lower --workers, or "
            "replicas in the study",
        ),
    ],
)
def test_a_page_of_ray_becomes_a_line(error: Exception, message: str) -> None:
    assert in_words(error) == message


def test_a_process_that_ran_out_of_memory_lost_no_machine() -> None:
    assert machine_lost(NodeDiedError("gone"))  # type: ignore[no-untyped-call]
    assert machine_lost(ActorUnavailableError("away", None))
    assert not machine_lost(FULL)

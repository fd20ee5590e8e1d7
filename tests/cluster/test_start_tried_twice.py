"""A start that Ray gives up is tried once more; any other failure stands."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.runner.clusters import GAVE_UP, tried_twice

SLEEPING = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


class Starts:
    """A start that leaves a process and fails with each of these errors in turn, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.left: list[subprocess.Popen[bytes]] = []

    def __call__(self) -> str:
        if not self.errors:
            return "started"
        self.left.append(subprocess.Popen(SLEEPING))
        raise self.errors.pop(0)

    def end(self) -> list[int | None]:
        """How the processes stood that were left: None for one that runs."""
        stood = [process.poll() for process in self.left]
        for process in self.left:
            process.kill()
            process.wait()
        return stood


def gave_up() -> Exception:
    return Exception(f"{GAVE_UP}. This could happen because some of the raylet failed to startup")


def test_a_start_that_ray_gave_up_is_tried_once_more_and_leaves_nothing() -> None:
    with subprocess.Popen(SLEEPING) as other:
        start = Starts(gave_up())
        assert tried_twice(start) == "started"
        assert start.left[0].wait(60) == -9
        assert other.poll() is None  # It ran before, so it is not Ray's.
        other.kill()


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param([gave_up(), gave_up()], id="given up twice"),
        pytest.param([TimeoutError("no one answers")], id="another failure"),
        pytest.param([Exception(f"not this: {GAVE_UP}")], id="the sentence within another"),
    ],
)
def test_a_failure_stands(errors: list[Exception]) -> None:
    start, last = Starts(*errors), errors[-1]
    with pytest.raises(type(last)) as raised:
        tried_twice(start)
    assert raised.value is last and len(start.left) == len(errors)
    assert start.end()[-1] is None  # What another failure leaves is not touched.

"""Ray's pages about a death as one line, and whether a machine was lost with it."""

from __future__ import annotations

import pytest
from ray.exceptions import ActorUnavailableError, NodeDiedError, OutOfMemoryError, RayError

from caviar.runner.executors.ray_deaths import WORDS_SECONDS, Death, Deaths, in_words, machine_lost

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


def spoken(process: int, *lines: str, is_err: bool = True) -> dict[str, object]:
    """What Ray passes on of the output of a worker."""
    return {"ip": "10.0.0.7", "pid": str(process), "is_err": is_err, "lines": list(lines)}


def death(process: int, error: Exception, time: float = 100.0) -> Death:
    return Death("spider", "10.0.0.7", process, [], error, time)


def test_a_death_is_told_once_the_last_words_are_here() -> None:
    deaths = Deaths()
    deaths.hear(spoken(1, ":job_id:01000000", "zero", "one", ""))
    deaths.hear(spoken(1, "printed", is_err=False))
    deaths.hear(spoken(1, " two", "three"))
    deaths.add(death(1, RayError("it ended")))
    deaths.add(death(2, RayError("it ended")))
    ((first, why),) = deaths.told(100.0)
    assert first.process == 1
    assert why == (
        "the Ray actor died: process 1 on 10.0.0.7: it ended; last words: one | two | three"
    )
    assert deaths.told(100.0 + WORDS_SECONDS / 2) == [] and len(deaths) == 1
    ((second, why),) = deaths.told(100.0 + WORDS_SECONDS)
    assert second.process == 2 and why.endswith("10.0.0.7: it ended") and not deaths


def test_a_lost_machine_is_told_at_once_with_what_a_worker_had_said() -> None:
    deaths = Deaths()
    deaths.hear(spoken(3, "in the last step"))
    gone: Exception = NodeDiedError("node died")  # type: ignore[no-untyped-call]
    for process in (3, 4):
        deaths.add(death(process, gone))
    lost = "the machine 10.0.0.7 is lost or out of reach: "
    (_, spoke), (_, silent) = deaths.told(100.0)
    assert spoke.startswith(lost) and spoke.endswith("; last words: in the last step")
    assert silent.startswith(lost) and "last words" not in silent

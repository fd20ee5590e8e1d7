"""Why an actor died, in words, and whether its machine was lost with it."""

from __future__ import annotations

import re

from caviar.runner.executors.blas_threads import environment

QUIET: dict[str, str | None] = {"RAY_DEDUP_LOGS": "1", "RAY_DEDUP_LOGS_SKIP_REGEX": "^"}
"""These variables suppress every line that Ray would print in the driver: it announces deaths
whatever `log_to_driver` says. `WorkerDied` says in our words what happened."""

with environment(QUIET):  # Ray reads them when it is imported; later they have no effect.
    from ray.exceptions import (
        ActorDiedError,
        ActorUnavailableError,
        NodeDiedError,
        ObjectLostError,
        OutOfMemoryError,
        RayTaskError,
    )

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CREATION = "an error raised in its creation task"
LOST_NODE = re.compile(r"terminated unexpectedly: (.*)")
MEMORY = re.compile(r"\(IP: ([^,]+),[^)]*\) was (\S+) used / (\S+) limit")
EXIT = re.compile(r"Worker exit detail: (.*?)(?: Some common causes| There are some|$)", re.DOTALL)


def machine_lost(error: Exception) -> bool:
    """Whether Ray says that the whole machine is gone or out of reach, not only the process."""
    if isinstance(error, ActorDiedError):
        return error.preempted or "its node has died" in str(error)
    return isinstance(error, ActorUnavailableError | NodeDiedError | ObjectLostError)


def told(error: Exception) -> str:
    """Ray's explanation in one line, without the pages of text that it adds."""
    text = COLOUR.sub("", str(error)).strip()
    if isinstance(error, OutOfMemoryError):
        full = MEMORY.search(text)
        place = f"{full[1]} ({full[2]} of {full[3]} used)" if full else "its machine"
        return f"no memory was left on {place}; lower --workers, or replicas in the study"
    if isinstance(error, ActorDiedError):
        if CREATION in text:
            return text.splitlines()[-1]
        for detail in (LOST_NODE.search(text), EXIT.search(text)):
            if detail is not None:
                return "it ended unexpectedly" if "End of file" in detail[1] else detail[1]
    if isinstance(error, RayTaskError):
        return text.splitlines()[-1]
    return (text.splitlines() or [type(error).__name__])[0]

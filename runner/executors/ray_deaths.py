"""Why an actor died, in words, and whether its machine was lost with it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caviar.runner.executors.blas_threads import environment
from caviar.runner.trial.events import Job

QUIET: dict[str, str | None] = {"RAY_DEDUP_LOGS": "1", "RAY_DEDUP_LOGS_SKIP_REGEX": "^"}
"""These variables suppress every line that Ray would print in the driver: it announces deaths
whatever `log_to_driver` says. `WorkerDied` says in our words what happened."""

with environment(QUIET):  # Ray reads them when it is imported; later they have no effect.
    from ray._private.ray_logging import global_worker_stdstream_dispatcher
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

LINES = 3
"""How many of its last lines are a worker's last words."""

WORDS_SECONDS = 1.5
"""How long the last words of a process may be on their way: Ray looks for them twice a second."""


@dataclass(frozen=True)
class Death:
    """A worker that died with its unfinished jobs, and how Ray tells it."""

    host: str
    address: str
    process: int
    jobs: list[Job]
    error: Exception
    time: float


class Deaths:
    """Deaths of workers, each told once the worker's last words are here or may no longer come.

    Words are the last lines on stderr. Ray passes them on to the driver while a worker is alive,
    so that they are here when its machine is not; a lost machine is noticed long after them.
    """

    def __init__(self) -> None:
        self._words: dict[tuple[str, str], deque[str]] = {}
        self._untold: list[Death] = []
        # Ray prints words under this name, which it takes off when the driver leaves the cluster.
        global_worker_stdstream_dispatcher.remove_handler("ray_print_logs")
        global_worker_stdstream_dispatcher.add_handler("ray_print_logs", self.hear)

    def __len__(self) -> int:
        return len(self._untold)

    def hear(self, lines: Mapping[str, Any]) -> None:
        """Keep the last of some lines of one worker, without Ray's markers."""
        words = [line.strip() for line in lines["lines"] if line and not line.startswith(":")]
        if lines["is_err"] and words:
            speaker = (lines["ip"], lines["pid"])
            self._words.setdefault(speaker, deque(maxlen=LINES)).extend(words)

    def add(self, death: Death) -> None:
        self._untold.append(death)

    def told(self, now: float) -> list[tuple[Death, str]]:
        """The deaths that can be told by now, each with what happened in one sentence."""
        told = []
        for death in list(self._untold):
            words = self._words.pop((death.address, str(death.process)), ())
            lost = machine_lost(death.error)
            if words or lost or now - death.time >= WORDS_SECONDS:
                self._untold.remove(death)
                last = f"; last words: {' | '.join(words)}" if words else ""
                told.append((death, f"{_happened(death, lost)}: {in_words(death.error)}{last}"))
        return told


def _happened(death: Death, lost: bool) -> str:
    if lost:
        return f"the machine {death.address} is lost or out of reach"
    return f"the Ray actor died: process {death.process} on {death.address}"


def machine_lost(error: Exception) -> bool:
    """Whether Ray says that the whole machine is gone or out of reach, not only the process."""
    if isinstance(error, ActorDiedError):
        return error.preempted or "its node has died" in str(error)
    return isinstance(error, ActorUnavailableError | NodeDiedError | ObjectLostError)


def in_words(error: Exception) -> str:
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

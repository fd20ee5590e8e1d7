"""Requests and answers as files in the run's own folder: whoever may write there may steer.

A request is a file of `control/requests`, written whole; the panda takes it away, and puts the
answer under the same name into `control/answers`, where whoever asked takes it away in turn.
"""

from __future__ import annotations

import getpass
import itertools
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from caviar.runner.errors import RequestError, StorageError
from caviar.runner.panda.requests import SECOND, Answer, read_request
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.storage import reason
from caviar.runner.store.whole_files import write_whole

CONTROL, REQUESTS, ANSWERS = "control", "requests", "answers"
LISTENING = "listening.json"
"""Says which process listens; it is there as long as a panda is, and after one that was killed."""

POLL_SECONDS = 0.02
WAIT_SECONDS = 30.0
"""How long an answer is waited for unless told otherwise."""
SECOND_SECONDS = 2.0
"""How long a second panda waits for a word of the first one."""
MOST_BYTES = 100_000
"""A larger file is no request."""

_COUNT = itertools.count()


class Taken(NamedTuple):
    """A request that was taken from its file."""

    name: str
    text: str
    asked_by: str


class NobodyListensError(RequestError):
    """No panda is training in the run. Exit code 2."""


def folder_at(where: str) -> LocalFolder:
    """The storage of a run in a folder; raises RequestError for any other place."""
    if "://" in where:
        raise RequestError(
            f"{where!r} is no folder: a panda is steered through files, so it needs a run in a "
            "folder of this machine or in a mounted one"
        )
    return LocalFolder(Path(where))


class ControlFiles:
    """The panda's side: requests are taken in the order of their names, which begin with a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in (REQUESTS, ANSWERS):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for left_over in (folder / name).iterdir():  # Of askers that nobody answered.
                with suppress(OSError):
                    left_over.unlink()
        about = {"host": platform.node(), "process": os.getpid()}
        write_whole(folder / LISTENING, json.dumps(about).encode())

    def taken(self) -> Iterator[Taken]:
        """Requests that came since, each taken away before it is given."""
        try:
            names = sorted(os.listdir(self._folder / REQUESTS))
        except OSError as error:
            raise StorageError(f"cannot read {str(self._folder)!r}: {reason(error)}") from error
        for name in names:
            if not name.startswith("."):
                yield from self._take(name)

    def _take(self, name: str) -> Iterator[Taken]:
        path = self._folder / REQUESTS / name
        try:
            content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
            path.unlink()
            asked = json.loads(content)
            text, asked_by = str(asked["text"]), str(asked["asked_by"])[:200]
        except FileNotFoundError:  # Whoever asked took it back.
            return
        except (OSError, ValueError, TypeError, KeyError):
            self.answer(name, Answer(False, "that file is no request; use caviar control", 0, 0))
            return
        yield Taken(name, text, asked_by)

    def answer(self, name: str, answer: Answer) -> None:
        """Answer a request; where nothing can be written, whoever asked waits in vain."""
        with suppress(OSError):
            write_whole(self._folder / ANSWERS / name, json.dumps(answer._asdict()).encode())

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            (self._folder / LISTENING).unlink()


def ask(
    storage: LocalFolder,
    text: str,
    asked_by: str,
    seconds: float = WAIT_SECONDS,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask the panda of a run something, and wait for the answer.

    Raises RequestError for a wrong request, and NobodyListensError where no panda answers.
    """
    read_request(text)
    _must_listen(storage, storage.root / CONTROL)
    return _asked(storage, text, asked_by, seconds, clock, sleep)


def _asked(
    storage: LocalFolder,
    text: str,
    asked_by: str,
    seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Answer:
    """Put a request down and wait for the answer."""
    folder = storage.root / CONTROL
    name = f"{time.time_ns():020d}-{platform.node()}-{os.getpid()}-{next(_COUNT)}.json"
    request, answer = folder / REQUESTS / name, folder / ANSWERS / name
    try:
        write_whole(request, json.dumps({"text": text, "asked_by": asked_by}).encode())
    except OSError as error:
        raise RequestError(
            f"cannot write to {str(folder)!r}: {reason(error)}; whoever may write to the run's "
            "folder may steer it"
        ) from None
    end = clock() + seconds
    while clock() < end:
        if (answered := _answered(answer)) is not None:
            return answered
        if not storage.is_held(time.time()):
            break
        sleep(POLL_SECONDS)
    return _gave_up(storage, request, answer, seconds)


def must_be_alone(storage: LocalFolder, asked_by: str) -> None:
    """Raise RequestError where a panda trains in a run already; that one gets a line in its log."""
    folder = storage.root / CONTROL
    if not _listens(storage, folder):
        return
    with suppress(RequestError):  # It ends just now: whoever goes on finds out.
        _asked(storage, SECOND, asked_by, SECOND_SECONDS, time.monotonic, time.sleep)
    raise RequestError(
        f"a panda trains in {storage.where!r} already: steer it with `caviar control "
        f"{storage.where} REQUEST`, or end it with `caviar control {storage.where} stop`"
    )


def _gave_up(storage: LocalFolder, request: Path, answer: Path, seconds: float) -> Answer:
    """The answer that came at last, or why there is none."""
    taken = False
    try:
        request.unlink()
    except OSError:
        taken = True
    if (answered := _answered(answer)) is not None:
        return answered
    if not storage.is_held(time.time()):
        raise NobodyListensError(
            f"the panda of {storage.where!r} ended before it answered; go on with: caviar panda "
            f"--resume {storage.where}"
        )
    took = "took the request and" if taken else "did not take the request, which is withdrawn, and"
    raise NobodyListensError(
        f"the panda of {storage.where!r} {took} did not answer in {seconds:g} s; wait longer "
        "(--wait SECONDS)"
    )


def _answered(path: Path) -> Answer | None:
    try:
        answer = Answer(**json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        return None
    with suppress(OSError):
        path.unlink()
    return answer


def _listens(storage: LocalFolder, folder: Path) -> bool:
    return (folder / LISTENING).exists() and storage.is_held(time.time())


def _must_listen(storage: LocalFolder, folder: Path) -> None:
    if _listens(storage, folder):
        return
    resume = f"; go on with: caviar panda --resume {storage.where}" if folder.exists() else ""
    raise NobodyListensError(f"no panda is training in {storage.where!r}{resume}")


def whoever() -> str:
    """`USER@HOST` of this process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # No name is known for this user.
        user = str(os.getuid())
    return f"{user}@{platform.node()}"

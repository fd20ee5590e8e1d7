"""Processes that are copies of this one: nothing is imported anew, which takes most of a start.

What a test does to them, and how they end, is as with processes that are started anew; that the
program and its workers start is tested where it says so.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, NoReturn

from caviar.runner.cli.carry_out import CarryOut
from caviar.runner.cli.main import main
from caviar.runner.executors.worker import serve
from caviar.runner.executors.worker_process import environment

NAME = Path("/proc/self/comm")
"""The file by which a process names itself."""

WORKER = b"caviar.runner.executors.worker"
FORKED_WORKER = "forked-worker"
"""What the command line of a worker holds, or the name of one that was forked."""

DONE_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
"""Signals that a Python ignores from its start."""


def forked_worker(connection: Connection) -> subprocess.Popen[bytes]:
    """A worker with the modules of this process."""
    work = partial(_serve, connection.fileno(), environment())
    sys.stdout.flush()  # Or the child would write it again.
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return subprocess.Popen(
            [FORKED_WORKER],
            stdin=subprocess.PIPE,
            restore_signals=False,
            preexec_fn=partial(_instead, work, {connection.fileno()}, FORKED_WORKER),
        )


def _serve(descriptor: int, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    serve(Connection(descriptor))


def forked_driver(
    carry_out: CarryOut, *words: str | Path, cwd: Path, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """The program with these words, at the head of a session, from this process."""
    argv = ["caviar", *map(str, words)]
    sys.stdout.flush()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return subprocess.Popen(
            argv,
            cwd=cwd,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            restore_signals=False,
            preexec_fn=partial(_instead, partial(_drive, argv, carry_out), set(), "forked-driver"),
        )


def _drive(argv: list[str], carry_out: CarryOut) -> None:
    sys.argv = argv
    main(carry_out, start_process=forked_worker)


def _instead(work: Callable[[], None], kept: set[int], name: str) -> NoReturn:
    """Do `work` instead of the program that a child was to run, then end as Python would."""
    code = 1
    try:
        _become_its_own(kept, name)
        work()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _become_its_own(kept: set[int], name: str) -> None:
    """Keep nothing that a new process would not have: signal handlers, files, streams."""
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # By line, as Python's.
    gc.freeze()  # What was there stays there: no page of it is copied to be counted.
    gc.enable()
    faulthandler.disable()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in DONE_BY_PYTHON:
        signal.signal(number, signal.SIG_IGN)
    NAME.write_text(name)
    _let_go_of_files(kept)


def _let_go_of_files(kept: set[int]) -> None:
    """Keep no end of another process's pipe: it ends with its last holder, and the parent waits.

    The numbers stay open, since libraries (Arrow at its next fork) close files of theirs.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in {0, 1, 2, nothing, *kept}:
            os.dup2(nothing, descriptor, inheritable=False)


def local_workers() -> list[int]:
    """The local workers that this process started or forked and that have not ended."""
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # The thread has ended since.
            pids += map(int, (task / "children").read_text().split())
    return [pid for pid in pids if _is_worker(Path(f"/proc/{pid}"))]


def _is_worker(process: Path) -> bool:
    words = (process / "cmdline").read_bytes()  # None of a process that has ended.
    forked = (process / "comm").read_text().strip() == FORKED_WORKER
    return WORKER in words or (forked and bool(words))


@contextmanager
def killed_at_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    """A program that leads a process group: it is killed with all that it started."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

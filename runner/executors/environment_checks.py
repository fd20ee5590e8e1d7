"""What workers need of the machine: open files, a temporary folder, shared memory for Ray."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

from caviar.runner.errors import RequestError
from caviar.runner.executors.cores import usable_cores
from caviar.runner.executors.ray_folder import base_folder

FILES_OF_THE_DRIVER = 64
"""Open files of a driver without workers: libraries, streams, the parts that it reads at once."""

FILES_OF_A_WORKER = 2
"""Its pipe and its standard input."""

ROOM = 64 * 2**20
"""Bytes that Ray's sockets, logs and token need at least in the temporary folder."""

NAME_ANOTHER = "name one that is, or unset it"

SHARED = 64 * 2**20
"""Bytes that Ray's object store needs at least in `/dev/shm`; below it is of no use."""


def must_suit(on: str, workers: int | None, trials: int, address: str | None) -> None:
    """Raise RequestError for what this machine lacks, before anything is written for a run."""
    if on == "local":
        check_open_files(min(workers or usable_cores(), trials))
    if on == "ray" and (address or os.environ.get("RAY_ADDRESS") or "local") == "local":
        check_temporary_folder()
        check_room_for_ray(base_folder())


def check_open_files(workers: int) -> None:
    """Raise RequestError if the limit of open files is too low for so many local workers."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_OF_THE_DRIVER + FILES_OF_A_WORKER * workers
    if limit != resource.RLIM_INFINITY and limit < needed:
        fewer = (limit - FILES_OF_THE_DRIVER) // FILES_OF_A_WORKER
        raise RequestError(
            f"{workers} workers need {needed} open files, and this shell allows {limit}; raise the "
            f"limit (`ulimit -n {needed}`), or use "
            + (f"--workers {fewer}" if fewer > 0 else "--on inline")
        )


def check_temporary_folder() -> None:
    """Raise RequestError if RAY_TMPDIR or TMPDIR names no folder that can be written."""
    for variable in ("RAY_TMPDIR", "TMPDIR"):
        named = os.environ.get(variable)
        if named and not os.path.isdir(named):
            raise RequestError(f"{variable} is {named!r}, which is not a folder; {NAME_ANOTHER}")
        if named and not os.access(named, os.W_OK | os.X_OK):
            raise RequestError(f"{variable} is {named!r}, which is not writable; {NAME_ANOTHER}")


def check_room_for_ray(folder: Path, shared: Path = Path("/dev/shm")) -> None:
    """Raise RequestError if a cluster that is started here has no room for its files or objects."""
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise RequestError(
            f"{str(folder)!r} has {free / 2**20:.0f} MiB free, and Ray needs {ROOM // 2**20} for "
            "its sockets and logs; make room, set RAY_TMPDIR to another folder, or use --on local"
        )
    if shared.is_dir() and shutil.disk_usage(shared).free < SHARED:
        left = shutil.disk_usage(shared).free / 2**20
        raise RequestError(
            f"{str(shared)!r} has {left:.0f} MiB free, and Ray keeps the data there for its "
            f"workers ({SHARED // 2**20} MiB at least); free some, start the container with "
            "--shm-size=1g, or use --on local"
        )

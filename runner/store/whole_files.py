"""Whole files, and a folder's new content in one step: two folders exchange their names."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""

UNABLE = {
    *(errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EPERM, errno.EMLINK),
    *(errno.ENOTSUP, errno.EOPNOTSUPP),
}
"""What a file system without hard links or without an exchange of names answers."""


def write_whole(path: Path, content: bytes) -> None:
    """Write, sync and rename; if the write fails, nothing is left behind."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # Create a new file: do not write through a link that has this name.
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def swap(folder: Path, names: Collection[str], name: str, content: bytes) -> None:
    """Put a new file in place of some in a folder, in one step; raises OSError, of a number in
    `UNABLE` if the file system has no such step, and then nothing has changed.

    The folder's other files are linked into a hidden one beside it, which then changes names with
    it. What a kill leaves of that one holds no file that counts.
    """
    new = folder.with_name(f".{folder.name}.tmp")
    try:
        new.mkdir()
        shutil.copymode(folder, new)
        for other in os.listdir(folder):
            if other not in names:
                os.link(folder / other, new / other)
        write_whole(new / name, content)
        exchange(new, folder)
    except OSError:
        with suppress(OSError):
            remove(new)
        raise
    _sync(folder.parent)  # Before the old files go: the step must be on disk.
    remove(new)


def exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders; raises OSError, ENOSYS where only Linux could do it."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    number = errno.ENOSYS
    if call is not None:
        if not call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
            return
        number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), str(other))


def remove(folder: Path) -> None:
    """Remove a folder of files, if it is there."""
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            os.unlink(folder / name)
        os.rmdir(folder)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

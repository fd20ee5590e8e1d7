"""Compiled kernels in this process: what compiles them, and where their machine code is kept."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

NAMED = "NUMBA_CACHE_DIR"
"""A user's own choice of the folder, as Numba reads it."""


class Kernels(StrEnum):
    """Whether a run trains on compiled kernels: where they pay, always, or never."""

    auto = "auto"
    on = "on"
    off = "off"


class TrainingPath(StrEnum):
    """What trains a trial: the plain NumPy lines, or compiled kernels where it has them."""

    numpy = "numpy"
    compiled = "compiled"


@functools.cache
def compiled_by() -> str:
    """What compiles kernels in this process, after which they can be imported.

    It reads `numba 0.68.1 znver4 5f0c2a`: processors of another name or other instructions get
    other machine code, and other last digits. Raises ImportError where Numba cannot be imported.
    """
    try:
        from caviar.model.kernels.compiling import keep_in, target
    except OSError as error:  # llvmlite's library does not load here.
        raise ImportError(str(error)) from error
    if NAMED not in os.environ:
        keep_in(str(code_folder()))
    name, features = target()
    return f"{name} {hashlib.sha256(features.encode()).hexdigest()[:6]}"


def in_words() -> str:
    """Whether this machine trains on compiled kernels, and where their code is kept."""
    from caviar.runner.data.places import without_home

    try:
        return f"compiled kernels by {compiled_by()}, kept in {without_home(str(code_folder()))}"
    except ImportError as error:
        return f"NumPy alone: Numba cannot be imported ({error})"


@functools.cache
def code_folder() -> Path:
    """Where machine code is kept: in the user's cache, or where that is not writable, a private
    temporary folder. Kernels of another version have a folder of their own."""
    import tempfile

    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "caviar" / f"kernels-{_version()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):
        folder = _private(Path(tempfile.gettempdir()) / f"caviar-{os.getuid()}") / folder.name
        folder.mkdir(exist_ok=True)
    return folder


def _private(folder: Path) -> Path:
    """A folder of this user alone: machine code is run, so that nobody else may write it."""
    import tempfile

    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))


def _version() -> str:
    """12 hexadecimal digits of the kernels' own source: Numba compares single files only."""
    import caviar.model.kernels as kernels

    digest = hashlib.sha256()
    for file in sorted(Path(kernels.__path__[0]).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]

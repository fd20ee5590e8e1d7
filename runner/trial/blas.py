"""Names for the BLAS of a process, from what threadpoolctl tells of its libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

UNKNOWN = "unknown"
"""Stands for a kernel that threadpoolctl does not know, such as Apple's Accelerate."""

Library = Mapping[str, Any]
"""What threadpoolctl tells of one loaded library."""


class Blas(NamedTuple):
    """The library with its version and kernel, as `openblas 0.3.31 SkylakeX`; its threads; and the
    core type by which another process gets the same kernel, None where it cannot be named."""

    kernel: str
    threads: int
    core: str | None


def blas_of(libraries: Sequence[Library]) -> Blas:
    """The BLAS of numpy; scipy brings its own.

    FlexiBLAS passes calls on: the kernel is that of the library behind it, as far as it is known.
    """
    library = _of_numpy(libraries)
    if library is None:
        return Blas(UNKNOWN, 0, None)
    threads = int(library["num_threads"])
    if library["internal_api"] != "flexiblas":
        return Blas(_named(library), threads, _core(library))
    backend = str(library.get("current_backend") or UNKNOWN)
    behind = [one for one in libraries if _is_backend(one, backend)]
    if len(behind) != 1:
        return Blas(f"flexiblas {library['version'] or UNKNOWN} {backend}", threads, None)
    return Blas(f"flexiblas over {_named(behind[0])}", threads, _core(behind[0]))


def not_pinned(blas: Blas) -> str:
    """A sentence where the kernel cannot be named to another machine, else empty."""
    if blas.core is not None:
        return ""
    return (
        f"{blas.kernel} chooses its kernel by the processor, and caviar cannot name it to another "
        "machine: the last digits of a run there may differ; numpy's own wheels bring OpenBLAS, "
        "whose kernel can be named"
    )


def _of_numpy(libraries: Sequence[Library]) -> Library | None:
    pools = [one for one in libraries if one["user_api"] == "blas"]
    of_numpy = [p for p in pools if any("numpy" in x for x in Path(p["filepath"]).parts[-3:-1])]
    passing_on = [p for p in pools if p["internal_api"] == "flexiblas"]
    return next(iter(of_numpy or passing_on or pools), None)


def _is_backend(library: Library, backend: str) -> bool:
    """Whether FlexiBLAS calls a backend, such as `OPENBLAS-OPENMP`, after this library."""
    api = str(library["internal_api"])
    return library["user_api"] == "blas" and api != "flexiblas" and api in backend.lower()


def _named(library: Library) -> str:
    version, core = library.get("version"), library.get("architecture")
    return f"{library['internal_api']} {version or UNKNOWN} {core or UNKNOWN}"


def _core(library: Library) -> str | None:
    core: str | None = library.get("architecture")
    return core if library["internal_api"] == "openblas" and core != UNKNOWN else None

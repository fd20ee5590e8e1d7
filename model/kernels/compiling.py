"""How every kernel is compiled: for this processor, kept on disk, with NumPy's infinities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding

Compiler = Callable[[Callable[..., Any]], Any]

compiled: Compiler = numba.njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
"""A product and a sum may be taken together, with one rounding."""

compiled_exactly: Compiler = numba.njit(cache=True, error_model="numpy", nogil=True)
"""Every operation rounds, as in NumPy."""


def keep_in(folder: str) -> None:
    """Keep the machine code of kernels that are imported from now on in this folder."""
    numba.config.CACHE_DIR = folder


def target() -> tuple[str, str]:
    """Compiler and processor as one name, and the processor's instruction sets: this machine's,
    unless Numba is told to compile for another (NUMBA_CPU_NAME, NUMBA_CPU_FEATURES)."""
    name, features = numba.config.CPU_NAME, numba.config.CPU_FEATURES
    if features is None:
        features = str(binding.get_host_cpu_features().flatten())
    return f"numba {numba.__version__} {name or binding.get_host_cpu_name()}", features

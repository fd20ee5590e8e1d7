"""What the last bits of a process's numbers depend on: the kernels of its BLAS and of numpy."""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from caviar.runner.trial.blas import UNKNOWN, Blas, blas_of
from caviar.runner.trial.kernels import TrainingPath, compiled_by
from caviar.runner.trial.thread_pools import thread_pools

ENABLED, DISABLED = "NPY_ENABLE_CPU_FEATURES", "NPY_DISABLE_CPU_FEATURES"
"""Numpy refuses to load if both are set."""

MEASURED = "measured by kernels"
"""Kernels measured less in earlier versions, and other last digits came of it."""


@dataclass(frozen=True)
class Arithmetic:
    """The kernel that a process computes with, its BLAS threads, and its processor.

    `kernel` reads `openblas 0.3.31.188.0 SkylakeX, numpy X86_V3 X86_V4`: two processes whose
    kernels differ round sums and exponentials differently. Processors may differ.
    """

    kernel: str
    threads: int
    processor: str


def arithmetic(path: TrainingPath = TrainingPath.numpy) -> Arithmetic:
    """What this process computes with, and how many BLAS threads are in force now.

    On the compiled path, `kernel` also names what compiled the kernels of training.
    """
    blas = blas_here()
    simd = " ".join(extensions("found")) or "baseline"
    kernel = f"{blas.kernel}, numpy {simd}"
    if path is TrainingPath.compiled:
        kernel = f"{kernel}, {_compiler()}, {MEASURED}"
    return Arithmetic(kernel, blas.threads, processor())


def _compiler() -> str:
    try:
        return compiled_by()
    except ImportError:
        return "no numba"


def blas_here() -> Blas:
    """The BLAS of this process's numpy, with the threads that are in force now."""
    return blas_of(thread_pools().info())


def same_kernel() -> dict[str, str | None]:
    """Variables that give a new process the kernels of this one, on its machine or another.

    OpenBLAS would take the best kernel for the processor, and so would numpy. A machine whose
    processor lacks an instruction set of this one still ends up with another kernel.
    """
    core, lacking = openblas_core(), extensions("not found")
    named: dict[str, str | None] = {} if core is None else {"OPENBLAS_CORETYPE": core}
    if ENABLED in os.environ:
        return named | {ENABLED: os.environ[ENABLED]}
    return named | ({DISABLED: " ".join(lacking)} if lacking else {})


def openblas_core() -> str | None:
    """The name of OpenBLAS's kernel as threadpoolctl reports it; None with another BLAS."""
    return blas_here().core


def extensions(state: str) -> list[str]:
    """The instruction sets that numpy could use here: those `found`, or those `not found`."""
    config: Any = np.show_config(mode="dicts")
    names: list[str] = config.get("SIMD Extensions", {}).get(state, [])
    return names


@functools.cache
def processor() -> str:
    """The processor's model, as its maker calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine() or UNKNOWN

"""One BLAS thread, and the processor's own BLAS kernel, for every side; import this first."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from typing import Any, TypeVar

for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

Sizes = TypeVar("Sizes")


def on_one_core() -> str:
    """Keep this process, with all threads that it starts, on one core, and say so; a library
    without a setting for its threads (JAX) takes one per core that it may use."""
    if not hasattr(os, "sched_setaffinity"):
        return "not kept on one core: this system cannot"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return "every side on the same one core"


def describe() -> str:
    """The machine, the BLAS kernel in force, and the command."""
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    pools: list[dict[str, Any]] = threadpoolctl.threadpool_info()
    blas = next((pool for pool in pools if pool["user_api"] == "blas"), {})
    return (
        f"{os.cpu_count()} cores, {platform.machine()}; numpy {np.__version__}, "
        f"{blas.get('internal_api')} {blas.get('version')}, kernel "
        f"{blas.get('architecture')}, {blas.get('num_threads')} thread\n"
        f"command: python {' '.join(sys.argv)}"
    )


def parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that all benchmarks share."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument(
        "--quick", action="store_true", help="small sizes: the same table within seconds"
    )
    return arguments


def chosen(description: str | None, full: Sizes, quick: Sizes) -> Sizes:
    """The sizes that the command line asks for."""
    return quick if parser(description).parse_args().quick else full

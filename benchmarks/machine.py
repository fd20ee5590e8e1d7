"""One BLAS thread and the machine's own BLAS kernels, for every side alike; import first."""

from __future__ import annotations

import os
import platform
import sys

os.environ.pop("OPENBLAS_CORETYPE", None)
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"


def describe() -> str:
    """The machine, the BLAS core type in use, and the command."""
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    pools = threadpoolctl.threadpool_info()
    blas = next((p for p in pools if p["user_api"] == "blas"), {})
    return (
        f"{os.cpu_count()} cores, {platform.machine()}; numpy {np.__version__}, "
        f"{blas.get('internal_api')} {blas.get('version')}, core type "
        f"{blas.get('architecture')}, {blas.get('num_threads')} thread\n"
        f"command: python {' '.join(sys.argv)}"
    )

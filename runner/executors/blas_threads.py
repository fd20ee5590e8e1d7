"""One BLAS thread per worker: in the environment before numpy loads, or while a trial runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from caviar.runner.trial.thread_pools import thread_pools

ONE_BLAS_THREAD: dict[str, str | None] = {
    name: "1"
    for name in (
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    )
}
"""Variables that the BLAS reads when it is loaded; later they have no effect.

Two workers with two threads each on two cores are slower than one, and the number of threads
may change the order of sums, and so the bits.
"""


@contextmanager
def environment(variables: dict[str, str | None]) -> Iterator[None]:
    """Set environment variables for whatever starts inside, then restore all of them.

    A variable given as None is left unchanged on entry, and restored on exit.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update({name: value for name, value in variables.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """The same in a process whose BLAS is loaded already: one thread inside the `with` block."""
    with thread_pools().limit(limits=1, user_api="blas"):
        yield

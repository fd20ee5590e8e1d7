"""The BLAS libraries of this process, found once."""

from __future__ import annotations

import functools
import sys

import threadpoolctl


def thread_pools() -> threadpoolctl.ThreadpoolController:
    """The libraries that have threads, whose number and kernels they tell and take.

    They are looked for again once a module was imported, which may have loaded one: to look takes
    one to ten milliseconds, longer than a small trial trains.
    """
    return _found(len(sys.modules))


@functools.lru_cache(maxsize=1)
def _found(modules: int) -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()

"""What every test of the runner runs under."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import threadpoolctl


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """As in the program and its workers: the number of threads changes the order of sums."""
    with threadpoolctl.threadpool_limits(1):
        yield

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


@pytest.fixture(scope="session")
def s3() -> Iterator[int]:
    """The port of a real server of the S3 protocol, with this process's keys to it."""
    from tests.runner.stores import KEYS, s3_server

    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with s3_server() as port:
            yield port


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request to a store is tried once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

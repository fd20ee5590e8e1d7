"""What has threads in this process is looked for once, and again after an import."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import threadpoolctl

from caviar.runner.trial.thread_pools import thread_pools

assert np.__version__  # Numpy's BLAS is loaded.


def paths(controller: threadpoolctl.ThreadpoolController) -> set[str]:
    return {str(library["filepath"]) for library in controller.info()}


def test_the_libraries_are_those_that_a_new_look_finds() -> None:
    assert paths(thread_pools()) == paths(threadpoolctl.ThreadpoolController()) != set()


def test_they_tell_the_threads_that_are_in_force() -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in thread_pools().info() if pool["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2):
        assert threads() == {2}
        with thread_pools().limit(limits=1, user_api="blas"):
            assert threads() == {1}
        assert threads() == {2}


def test_they_are_looked_for_again_after_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    before = thread_pools()
    assert thread_pools() is before
    monkeypatch.setitem(sys.modules, "caviar_test_that_may_bring_a_blas", ModuleType("of_a_test"))
    assert thread_pools() is not before

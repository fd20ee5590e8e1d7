"""Environment variables for processes that are started inside, and for no others."""

from __future__ import annotations

import os

import pytest

from caviar.runner.executors.blas_threads import environment


def test_all_is_restored_whatever_happens_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAVIAR_TEST_SET", "before")
    monkeypatch.setenv("CAVIAR_TEST_KEPT", "before")
    monkeypatch.delenv("CAVIAR_TEST_NEW", raising=False)
    before = dict(os.environ)
    variables: dict[str, str | None] = {"CAVIAR_TEST_SET": "inside", "CAVIAR_TEST_NEW": "inside"}
    with pytest.raises(KeyError), environment({**variables, "CAVIAR_TEST_KEPT": None}):
        assert os.environ["CAVIAR_TEST_SET"] == os.environ["CAVIAR_TEST_NEW"] == "inside"
        assert os.environ["CAVIAR_TEST_KEPT"] == "before"
        os.environ["CAVIAR_TEST_KEPT"] = "changed by what was inside"
        raise KeyError
    assert dict(os.environ) == before

"""A small run that ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.helpers import TINY, ended_well, settings_of

SETTINGS = (*TINY, "replicas=3", "log_probabilities=false", "convention=keras-3")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run `run` of four trials."""
    folder = tmp_path_factory.mktemp("finished")
    words = ("--on", "inline", "--no-report", "--out", "run", *settings_of(SETTINGS))
    ended_well("run", *words, cwd=folder)
    return folder

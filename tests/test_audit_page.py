"""docs/audit.md: its three models are trained, and its commands say what the page says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.helpers import caviar
from tests.sources import ROOT

PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
WALK = ROOT / "docs" / "audit"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the page's folder, with its models trained by the page's own command."""
    folder = tmp_path_factory.mktemp("walk")
    for source in WALK.glob("*.py"):
        shutil.copy(source, folder)
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # Threads of several tests would spin.
        capture_output=True,
        text=True,
        check=True,
    )
    accuracies = [float(value) for value in re.findall(r"accuracy ([\d.]+)", done.stdout)]
    told = re.search(r"accuracies of ([\d.]+), ([\d.]+) and ([\d.]+)", PAGE)
    assert told is not None and accuracies == pytest.approx(
        [float(value) for value in told.groups()], abs=0.05
    )
    return folder


WALKED = re.compile(r"^    caviar (audit [^\n]*)\n\n```\n(.*?)```", re.MULTILINE | re.DOTALL)
"""A command of the page with what it prints first."""


def without_numbers(text: str) -> str:
    """The words of a text: other processors give other last digits."""
    return " ".join(re.sub(r"\d[\d.,]*", "#", text).split())


@pytest.mark.parametrize(("words", "printed"), WALKED.findall(PAGE))
def test_a_model_is_told_as_the_page_says(trained: Path, words: str, printed: str) -> None:
    done = caviar(*shlex.split(words), cwd=trained)
    assert done.returncode == 1, done.stderr
    assert without_numbers(done.stdout).startswith(without_numbers(printed))


def test_the_page_walks_through_three_models() -> None:
    causes = [printed.partition(":")[0] for _, printed in WALKED.findall(PAGE)]
    assert causes == ["never-updated", "inverted-momentum", "frozen"]

"""docs/tutorial.md: every step, as a student would take it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import caviar
from tests.runner.helpers import caviar as program

PAGE = (Path(__file__).parent.parent / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:`(?P<file>[\w-]+\.toml)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)
QUICK = ("--on", "inline", "--no-report")
"""What the tests add to a run: the page is tested elsewhere."""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, str]]:
    """All steps in their order: the folder, Python's names, and what each command printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    names: dict[str, Any] = {}
    printed: dict[str, str] = {}
    for block in BLOCK.finditer(PAGE):
        if block["kind"] == "toml":
            (folder / block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "python":
            with chdir(folder):
                exec(block["text"], names)
        else:
            printed |= dict(_commands(block["text"], folder))
    return folder, names, printed


def _commands(text: str, folder: Path) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        command, *words = shlex.split(line)
        if command != "caviar":
            assert line.startswith("python3 -m venv")
            continue
        runs = words[0] == "run" and "--dry-run" not in words
        done = program(*words, *(QUICK if runs else ()), cwd=folder)
        assert done.returncode == 0 or words[0] == "compare", f"{line}: {done.stderr}"
        yield line, done.stdout


Taken = tuple[Path, dict[str, Any], dict[str, str]]


def test_every_step_leaves_what_it_says(taken: Taken) -> None:
    folder, _, printed = taken
    assert {path.name for path in (folder / "runs").iterdir()} == {"sizes", "wider", "trees"}
    assert (folder / "one.png").stat().st_size and (folder / "all.png").stat().st_size
    assert "fixed: hidden = [32]" in printed["caviar run sizes.toml --dry-run"]
    assert "4 features, 2 classes" in printed["caviar run trees.toml --dry-run"]
    assert "Of 3 configurations" in printed["caviar best runs/sizes"]


def test_what_it_says_about_the_runs_is_so(taken: Taken) -> None:
    """Loss in training is highest at the smallest m; five lines give the numbers of the answer."""
    _, names, _ = taken
    means = names["means"].iloc[-1]
    assert means.idxmax() == 4
    by_hand = names["last"].groupby("norm_batch_size")["loss"].mean()
    told = names["results"]["losses"].query("quantity == 'test_loss'").set_index("level")["mean"]
    pd.testing.assert_series_equal(by_hand, told, check_names=False, check_index_type=False)


def test_what_to_try_is_answered_as_it_says() -> None:
    with pytest.raises(caviar.RequestError, match="did you mean 'learning_rate'"):
        caviar.read_study({"name": "s", "dataset": "wine", "fixed": {"lr": 0.1}})
    crossed = {"hidden": [[32], [64]], "norm_batch_size": [4, 16]}
    study = {"name": "s", "dataset": "wine", "fixed": {"batch_size": 16}, "scientific": crossed}
    assert len(caviar.plan(study).trials) == 4

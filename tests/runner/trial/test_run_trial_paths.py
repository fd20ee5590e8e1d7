"""Trials on compiled kernels, through the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.trial.kernels import TrainingPath, compiled_by
from tests.runner.helpers import TINY, caviar, ended_well, settings_of

INLINE = ("--on", "inline", "--no-report", "--out")
BOTH = ("--set", 'scientific.activation=["relu", "tanh"]')


def outcomes(run: Path) -> dict[str, set[str]]:
    """The kernels of the trials that took each path."""
    by_path: dict[str, set[str]] = {}
    table = read_rows(storage_at(run), "outcomes", ["path", "kernel"])
    for path, kernel in zip(*table.values(), strict=True):
        by_path.setdefault(path, set()).add(kernel)
    return by_path


@pytest.fixture(scope="module")
def run(kernels: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two local workers on kernels, of which some trials have none."""
    folder = tmp_path_factory.mktemp("paths")
    words = (*settings_of(TINY), *BOTH, "--kernels", "on", "--workers", "2", "--no-report")
    ended_well("run", *words, "--out", "run", cwd=folder)
    return folder / "run"


def test_every_outcome_names_the_path_that_its_trial_took(run: Path) -> None:
    by_path = outcomes(run)
    assert by_path.keys() == set(TrainingPath)
    assert all(compiled_by() in kernel for kernel in by_path[TrainingPath.compiled])
    assert not any("numba" in kernel for kernel in by_path[TrainingPath.numpy])


def test_the_same_bits_again_on_the_path_that_made_them(run: Path) -> None:
    assert "the same bits in all" in ended_well("verify", run, cwd=run.parent)


def test_the_other_path_goes_on_only_with_a_word(run: Path) -> None:
    words = (*settings_of(TINY), *BOTH, *INLINE, "begun")
    ended_well("run", *words, "--trials", "1", "--kernels", "off", cwd=run.parent)
    refused = caviar("run", *words, "--kernels", "on", cwd=run.parent)
    assert refused.returncode == 2 and "--accept-other-processor" in refused.stderr
    ended_well("run", *words, "--trials", "2", cwd=run.parent)
    assert outcomes(run.parent / "begun").keys() == {TrainingPath.numpy}
    ended_well("run", *words, "--kernels", "on", "--accept-other-processor", cwd=run.parent)
    assert outcomes(run.parent / "begun").keys() == set(TrainingPath)

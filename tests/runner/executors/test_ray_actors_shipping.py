"""A cluster gets caviar from the driver, but no module of the driver's folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.hostile.test_own_modules import beside_modules_of_the_user
from tests.runner.clusters import JOBS, Head
from tests.runner.executors.test_ray_actors import (
    ROOT,
    SMALL,
    at_home,
    expected,
    home,
)
from tests.runner.helpers import command, ended_well, parts, same_tables, tables, well

__all__ = ["at_home", "expected", "home"]  # Fixtures.

pytestmark = pytest.mark.ray

needs_jobs = pytest.mark.skipif(not JOBS, reason="jobs need ray[default], which is not installed")


def run_beside_them(folder: Path, *words: str, **env: str) -> str:
    """What the program prints in a folder with modules of the user's, once it ended well."""
    words = ("run", *SMALL, *words, "--out", "run")
    return well(beside_modules_of_the_user(*words, folder=folder, **env))


def test_without_a_cluster_one_is_started_beside_modules_of_the_user(
    tmp_path: Path, expected: dict[str, pd.DataFrame]
) -> None:
    output = run_beside_them(tmp_path, "--workers", "1")
    assert "4/4 trials · 0 running · 0 failed · 0 diverged · 656 rows" in output
    same_tables(tables(tmp_path / "run"), expected)
    ended_well("verify", "run", cwd=tmp_path)


def test_a_cluster_without_caviar_gets_it_and_is_left_as_it_was_found(
    ray_head: Head, tmp_path: Path, expected: dict[str, pd.DataFrame]
) -> None:
    """It gets nothing of the user's."""
    before, files = ray_head.state(), ray_head.files()
    assert before == "(2.0, 2.0) [] {} False"
    run_beside_them(tmp_path, "--address", ray_head.address, **ray_head.environment)
    same_tables(tables(tmp_path / "run"), expected)
    assert ray_head.state(before) == before
    assert ray_head.files() == files
    assert not (Path(ray_head.environment["HOME"]) / ".ray").exists()


THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}


def submitted(head: Head, folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A job whose files are the packages, with the links to them, as a user ships a clone.

    Its environment asks for two BLAS threads, which change no bit.
    """
    for package in ("caviar", "model", "runner", "analysis"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, symlinks=True, ignore=ignore)
    ray = Path(sys.executable).with_name("ray")
    submit = [ray, "job", "submit", "--address", head.jobs, "--working-dir", "."]
    submit += ["--runtime-env-json", json.dumps({"env_vars": THREADS}), "--"]
    return subprocess.run(
        [*map(str, submit), *command(*words)],
        cwd=folder,
        env={**os.environ, **head.environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@needs_jobs
def test_a_job_ships_its_clone_and_writes_where_it_is_told(
    ray_head: Head, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    (tmp_path / "clone").mkdir()
    done = submitted(ray_head, tmp_path / "clone", "run", *SMALL, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4/4 trials" in done.stdout
    same_tables(tables(tmp_path / "run"), expected)


@needs_jobs
def test_a_job_with_a_wrong_study_fails_with_the_sentence(ray_head: Head, tmp_path: Path) -> None:
    done = submitted(ray_head, tmp_path, "run", *SMALL, "--set", "hidden=8")
    assert done.returncode != 0
    assert "caviar: hidden: must be a list; got 8" in done.stdout
    assert "failed with exit code 2" in done.stdout + done.stderr
    assert not parts(tmp_path / "runs" / "quickstart", "trials")

"""A cluster gets caviar from the driver, but no module of the driver's folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest

from caviar.runner.executors.blas_threads import environment
from tests.runner.clusters import Head, started_head
from tests.runner.executors.test_ray_actors import (
    ROOT,
    SMALL,
    at_home,
    expected,
    home,
    needs_jobs,
    submitted,
)
from tests.runner.helpers import same_tables, tables

__all__ = ["at_home", "expected", "home"]  # Fixtures.

pytestmark = pytest.mark.ray

OF_THE_USER = ("model.py", "runner.py", "analysis/__init__.py", "types.py", "signal.py")

FORGET = "import sys; sys.path = [path for path in sys.path if path != {root!r}]"
"""A `sitecustomize` that hides the clone's own caviar."""

ASK = """
import ray
@ray.remote
def found():
    import importlib.util
    return importlib.util.find_spec("caviar") is not None
ray.init(address={address!r}, log_to_driver=False, logging_level="ERROR")
print(ray.get(found.remote()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the user's whose modules must not be imported."""
    for name in OF_THE_USER:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"raise SystemExit('{name} of the user was imported')\n")
    return tmp_path / "mine"


def run_beside_them(folder: Path, *words: str, **env: str) -> None:
    """The installed program: `python -m` would search the folder first."""
    with environment(dict(env)):
        done = subprocess.run(
            [Path(sys.executable).with_name("caviar"), "run", *SMALL, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_a_ray_of_its_own_beside_modules_of_the_user(
    folder: Path, expected: dict[str, pd.DataFrame]
) -> None:
    run_beside_them(folder, "--out", "run")
    same_tables(tables(folder / "run"), expected)


@pytest.fixture(scope="module")
def bare_head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """A cluster whose workers have no caviar."""
    forgetting = tmp_path_factory.mktemp("forgetting")
    (forgetting / "sitecustomize.py").write_text(FORGET.format(root=str(ROOT)))
    with ExitStack() as stack:
        with environment({"PYTHONPATH": str(forgetting)}):
            head = stack.enter_context(started_head(tmp_path_factory.mktemp("head")))
        yield head


def test_a_cluster_without_caviar_gets_it_and_nothing_of_the_users(
    bare_head: Head, folder: Path, expected: dict[str, pd.DataFrame]
) -> None:
    with environment(dict(bare_head.environment)):
        asked = subprocess.run(
            [sys.executable, "-c", ASK.format(address=bare_head.address)],
            cwd=folder.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    assert asked.stdout == "False\n"
    run_beside_them(folder, "--address", bare_head.address, "--out", "run", **bare_head.environment)
    same_tables(tables(folder / "run"), expected)


@needs_jobs
def test_a_job_ships_its_clone_to_a_cluster_without_caviar(
    bare_head: Head, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    (tmp_path / "clone").mkdir()
    done = submitted(bare_head, tmp_path / "clone", "run", *SMALL, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    same_tables(tables(tmp_path / "run"), expected)

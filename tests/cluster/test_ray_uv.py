"""docs/cluster/uv.md: what uv installs runs a study, with the bits of this installation."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.runner.clusters import JOBS, ROOT, Head
from tests.runner.helpers import DIGITS, ended_well, same_tables, settings_of, tables

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "cluster" / "uv.md").read_text("utf-8")
BINARIES = Path(sys.executable).parent
SMALL = (*settings_of(DIGITS), "--no-report")
UNREACHED = re.compile(
    "dns error|failed to lookup|failed to fetch|connection refused|timed out", re.I
)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class Clone(NamedTuple):
    """A copy of what git tracks, and an environment in which uv keeps all that it makes nearby."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, cwd: Path | None = None) -> str:
        """The output of a command that ends well; skips where no index can be reached."""
        done = subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and UNREACHED.search(done.stderr):
            pytest.skip("no package index can be reached")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    path = f"{BINARIES}:{os.environ['PATH']}"
    if shutil.which("uv", path=path) is None:
        pytest.skip("uv is not installed (pip install uv)")
    folder = tmp_path_factory.mktemp("uv")
    for package in ("caviar", "model", "runner", "analysis", "studies"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / "clone" / package, symlinks=True, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, folder / "clone")
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    cache = {"UV_CACHE_DIR": str(folder / "cache"), "UV_PYTHON": sys.executable}
    return Clone(folder / "clone", {**kept, **cache, "PATH": path})


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study, run by this installation."""
    folder = tmp_path_factory.mktemp("here")
    ended_well("run", *SMALL, "--out", "run", cwd=folder)
    return folder / "run"


def lines(block: int) -> list[list[str]]:
    """The commands of a block of the page."""
    text = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[block]
    return [shlex.split(line, comments=True) for line in text.replace("\\\n", "").splitlines()]


def test_in_the_clone(clone: Clone, here: Path) -> None:
    words = lines(0)[0]
    assert words == ["uv", "run", "caviar", "run"]
    output = clone.run(*words, *SMALL, "--out", "run")
    assert "4/4 trials" in output and (clone.folder / ".venv").is_dir()
    same_tables(tables(clone.folder / "run"), tables(here))


def test_from_anywhere(clone: Clone, here: Path, tmp_path: Path) -> None:
    words = [word.replace("/path/to/the/clone", str(clone.folder)) for word in lines(0)[1]]
    assert words == ["uvx", "--from", str(clone.folder), "caviar", "run"]
    clone.run(*words, *SMALL, "--out", "run", cwd=tmp_path)
    same_tables(tables(tmp_path / "run"), tables(here))


@pytest.mark.ray
@pytest.mark.skipif(not JOBS, reason="jobs need ray[default], which is not installed")
def test_as_a_rays_job_environment(
    clone: Clone, here: Path, ray_head: Head, tmp_path: Path
) -> None:
    compiled, submit = lines(1)
    compiled[compiled.index("--python-version") + 1] = VERSION
    clone.run(*compiled)
    pinned = (clone.folder / "requirements.txt").read_text()
    assert re.search(r"^numpy==", pinned, re.MULTILINE) and "\nray==" not in pinned
    program = submit[submit.index("--") + 1 :]
    assert program[:4] == ["python", "-m", "runner", "run"]
    asked = json.loads(submit[submit.index("--runtime-env-json") + 1])
    assert asked == {"uv": "requirements.txt"}
    where = "python -c 'import numpy; print(numpy.__file__)'"
    run = shlex.join([*program[:4], *SMALL, "--on", "ray", "--out", str(tmp_path / "run")])
    words = ("--working-dir", ".", "--runtime-env-json", json.dumps(asked))
    job = ("ray", "job", "submit", "--address", ray_head.jobs, *words)
    ours = clone._replace(environment={**clone.environment, **ray_head.environment})
    output = ours.run(*job, "--", "bash", "-c", f"{where} && {run}")
    assert re.search(r"/runtime_resources/uv/\w+/.*/numpy/__init__\.py", output), output
    assert "4/4 trials" in output
    same_tables(tables(tmp_path / "run"), tables(here))

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from caviar.runner.trial import kernels
from caviar.runner.trial.kernels import code_folder, compiled_by


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    for answer in (compiled_by, code_folder):
        answer.cache_clear()
    yield
    for answer in (compiled_by, code_folder):
        answer.cache_clear()


def test_machine_code_is_kept_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = code_folder()
    assert folder.parent == tmp_path / "caviar" and folder.is_dir() and not any(folder.iterdir())


def test_without_a_writable_cache_it_is_kept_in_a_private_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = code_folder()
    assert folder.is_relative_to(tmp_path) and not folder.parent.stat().st_mode & 0o077


@pytest.mark.parametrize("planted", ["open to others", "a link", "a file"])
def test_a_temporary_folder_that_others_may_write_is_not_used(
    planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machine code is loaded from it: whoever writes there would run as this user."""
    place = tmp_path / f"caviar-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    if planted == "open to others":
        place.mkdir()
        place.chmod(0o777)
    elif planted == "a link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.touch()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = code_folder()
    assert folder.parent != place and not folder.parent.stat().st_mode & 0o077
    assert not any((tmp_path / "elsewhere").iterdir())


COMPILE = """
import sys
from caviar.runner.trial.kernels import compiled_by
compiled_by()
import numpy as np
from caviar.model.kernels.losses import cross_entropy_and_gradient as kernel
logits, labels = np.linspace(-2, 2, 28), np.array([0, 2, 3])
print("ready", flush=True)
sys.stdin.readline()  # Both processes are here before either compiles.
loss = kernel(logits, 0, 4, 12, 16, labels, 3, 3, 4)
print(loss, *logits.tolist(), sum(kernel.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_two_processes_that_compile_at_once_agree_and_write_only_to_the_cache(
    tmp_path: Path,
) -> None:
    """As with an installation that nobody may write, and a user who starts two runs."""
    given = {"XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {k: v for k, v in os.environ.items() if k != kernels.NAMED} | given
    room = Path(kernels.__file__).parents[2] / "model" / "kernels"
    before = sorted(room.rglob("*"))

    def begun() -> subprocess.Popen[str]:
        words = [sys.executable, "-c", COMPILE]
        return subprocess.Popen(
            words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    both = [begun(), begun()]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    told = [process.communicate("\n", timeout=120)[0] for process in both]
    third = begun().communicate("\n", timeout=120)[0].removeprefix("ready\n")
    *numbers, _ = told[0].split()
    assert len(numbers) == 29 and told[1].split()[:-1] == numbers == third.split()[:-1]
    assert third.split()[-1] == "1"  # It loads what the others left.
    assert any(tmp_path.rglob("*.nbc")) and sorted(room.rglob("*")) == before


def test_other_kernels_have_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import caviar.model.kernels as room

    here = code_folder()
    (tmp_path / "steps.py").write_text("changed = True\n")
    monkeypatch.setattr(room, "__path__", [str(tmp_path)])
    code_folder.cache_clear()
    assert code_folder() != here


def test_what_compiles_them_has_a_name() -> None:
    assert compiled_by().startswith("numba ") and len(compiled_by().split()) == 4


def test_a_library_that_does_not_load_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "caviar.model.kernels.compiling", None)
    with pytest.raises(ImportError):
        kernels.compiled_by()

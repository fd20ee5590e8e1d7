from __future__ import annotations

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

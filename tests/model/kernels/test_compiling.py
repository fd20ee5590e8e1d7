from __future__ import annotations

import numba
import pytest

from caviar.model.kernels.compiling import target


def test_the_target_names_compiler_processor_and_instructions() -> None:
    name, features = target()
    assert name.startswith("numba ") and len(name.split()) == 3
    assert "," in features


def test_the_target_is_the_one_that_numba_is_told_to_compile_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numba.config, "CPU_NAME", "haswell")
    monkeypatch.setattr(numba.config, "CPU_FEATURES", "")
    assert target() == (f"numba {numba.__version__} haswell", "")

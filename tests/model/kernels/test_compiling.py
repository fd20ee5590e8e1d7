from __future__ import annotations

from caviar.model.kernels.compiling import target


def test_the_target_names_compiler_processor_and_instructions() -> None:
    name, features = target()
    assert name.startswith("numba ") and len(name.split()) == 3
    assert "," in features

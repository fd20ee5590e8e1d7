from __future__ import annotations

from caviar.model.kernels.by_layer.hidden import WITH_KERNEL
from caviar.model.kernels.by_layer.registry import KERNELS


def test_the_norms_that_are_said_to_have_a_kernel_have_one() -> None:
    assert KERNELS.keys() == {*WITH_KERNEL, type(None)}

"""The settings that a kind of norm lets its layer read."""

from __future__ import annotations

import pytest

from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.kind import NormKind, ghosts_of_the_batch, the_batch
from caviar.model.norms.norm import Norm


def test_a_setting_that_is_not_declared_is_out_of_reach() -> None:
    settings = {"norm_batch_size": 4, "epsilon": 0.1, "steps": 9, "noise_shared": "ghost"}
    declared = frozenset({"norm_batch_size", "epsilon"})
    kind = NormKind(
        "kind", BatchNorm, lambda s: BatchNorm(s["norm_batch_size"], s["epsilon"]), declared
    )
    assert kind.build(settings) == Norm(BatchNorm(4, 0.1))
    curious = NormKind("kind", BatchNorm, lambda s: BatchNorm(len(s["noise_shared"])), declared)
    with pytest.raises(KeyError, match="noise_shared"):
        curious.build(settings)


def test_examples_of_a_step() -> None:
    assert [ghosts_of_the_batch(32, size, 100) for size in (8, 32, 48)] == [32, 32, 48]
    assert [the_batch(32, size, 100) for size in (8, 48)] == [32, 32]
    kind = NormKind("kind", None, lambda s: None)
    assert not kind.uses_batch_statistics and kind.refusal({}) == "" and kind.mechanism is None

"""No norm: nothing is built and nothing read."""

from __future__ import annotations

from caviar.model.norms.none import NONE


def test_nothing_is_built_from_nothing() -> None:
    assert NONE.build({"steps": 3}) is None
    assert not NONE.settings and not NONE.uses_batch_statistics
    assert NONE.forward_examples(32, 64, 960) == 32

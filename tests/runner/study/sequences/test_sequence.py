"""The stream of a seed."""

from __future__ import annotations

from caviar.runner.study.sequences.sequence import stream


def test_a_seed_has_one_stream() -> None:
    first, again, other = (stream(seed).random(4).tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other

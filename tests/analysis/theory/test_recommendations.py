"""Which changes are advised, and in what order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.analysis.theory.optimum import DIVERGENCE
from caviar.analysis.theory.prediction import divergence
from caviar.analysis.theory.question import Question
from tests.analysis.theory.changes import actions


def test_a_good_choice_is_left_alone() -> None:
    assert not actions(Question(32, 0.99))
    assert list(actions(Question(4, 0.9))) == ["recompute", "decay"]


@settings(max_examples=40)
@given(m=st.integers(4, 512), decay=st.floats(0.5, 0.9999), size=st.integers(512, 10**6))
def test_nothing_below_its_threshold_is_mentioned(m: int, decay: float, size: int) -> None:
    """Read where weights rest, in the long run: one threshold decides on all averages."""
    question = Question(m, decay, dataset_size=size)
    wanted = divergence(question) > DIVERGENCE
    assert bool(actions(question)) == wanted
    if wanted:
        assert actions(question)["recompute"].before[0] > DIVERGENCE


def test_a_full_batch_needs_nothing() -> None:
    assert not actions(Question(64, 0.9, dataset_size=64))

"""Each change is said as the framework says it."""

from __future__ import annotations

import math

import pytest

from caviar.analysis.theory.advice.framework_words import FRAMEWORKS, PLAIN, words_of
from caviar.analysis.theory.question import Question
from caviar.model.averages.frameworks import ALL
from tests.analysis.theory.changes import actions


def test_the_words_of_the_frameworks() -> None:
    """m = 4 and PyTorch's default: the memory that is needed is 1 / 0.033."""
    question = Question(4, 0.9)
    told = actions(question, "pytorch")
    assert "set momentum=0.033:" in told["decay"].do
    assert "torch.optim.swa_utils.update_bn(loader, model)" in told["recompute"].do
    assert "set momentum=0.967:" in actions(question, "keras-3")["decay"].do
    assert "set alpha=0.033:" in actions(question, "lasagne")["decay"].do
    assert "set decay=0.967:" in actions(question)["decay"].do
    memory = actions(Question(4, 60.0, keep="time_constant"), "cntk")["decay"]
    assert memory.value == pytest.approx(-4 / math.log(0.967), rel=1e-3)
    assert f"normalization_time_constant={memory.value:.4g}:" in memory.do


def test_every_row_has_words() -> None:
    """And no words are left of a row that is gone."""
    assert {name for name, row in ALL.items() if row.version} <= set(FRAMEWORKS)
    assert words_of("unbiased") == PLAIN


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_words_are_filled_in(name: str) -> None:
    words = words_of(name)
    text = words.decay.format(decay="0.967", complement="0.033")
    assert ("0.967" in text) != ("0.033" in text)
    for sentence in (words.recompute, words.sync or "", words.group or ""):
        assert "{" not in sentence

"""What is advised, by its kind."""

from __future__ import annotations

from caviar.analysis.theory.advice.action import Action
from caviar.analysis.theory.advice.framework_words import words_of
from caviar.analysis.theory.question import Question
from caviar.analysis.theory.recommendations import recommendations


def actions(question: Question, convention: str = "") -> dict[str, Action]:
    """The actions of an answer; each kind occurs once."""
    advised = recommendations(question, words_of(convention))
    by_kind: dict[str, Action] = {action.kind: action for action in advised}
    assert len(by_kind) == len(advised)
    return by_kind

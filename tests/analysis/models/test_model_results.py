from __future__ import annotations

from caviar.analysis.models.model_results import ModelAnswer


def test_an_answer_may_have_one_sentence() -> None:
    assert ModelAnswer("Is it right?", "Yes.").more == ()

from __future__ import annotations

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.study.of_model import model_in_words, must_be_a_study

WATCHED = {"model": {"kind": "watched training", "class": "ResNet", "norms": [{}, {}]}}


def test_a_run_of_a_model_is_named_and_refused_where_a_study_is_needed() -> None:
    assert model_in_words(WATCHED) == "watched training of ResNet, 2 norms"
    assert model_in_words({}) == ""
    must_be_a_study({}, "runs/x", "no matter")
    with pytest.raises(RequestError, match="'runs/x' holds no study but the watched training of"):
        must_be_a_study(WATCHED, "runs/x", "it has one trial")

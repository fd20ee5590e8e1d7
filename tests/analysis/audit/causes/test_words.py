"""Numbers of a verdict in words."""

from __future__ import annotations

from caviar.analysis.audit.causes.words import (
    cost_in_words,
    names_in_words,
    norms_in_words,
    percent,
)
from caviar.analysis.audit.facts import facts_of
from tests.analysis.audit.made import evidence, readings


def test_a_few_names_and_how_many_more() -> None:
    assert names_in_words(["a", "b"]) == "a, b"
    assert names_in_words(list("abcde")) == "a, b, c and 2 more"
    assert (norms_in_words(["5"]), norms_in_words(["2", "5"])) == ("norm 5", "norms 2, 5")


def test_shares_are_percentages() -> None:
    assert (percent(0.7803), percent(0.01)) == ("78 %", "1 %")


def test_what_statistics_cost() -> None:
    told = cost_in_words(facts_of(evidence(train=readings(stored=float("nan")))))
    assert told == "the loss of the data given is not a number with them"
    assert "no loss was given" in cost_in_words(facts_of(evidence(train=None)))

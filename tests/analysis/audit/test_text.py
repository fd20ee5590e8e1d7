"""An audit as text: the answer first, a row per norm, and no long list of norms."""

from __future__ import annotations

from dataclasses import replace

from caviar.analysis.audit.facts import facts_of
from caviar.analysis.audit.text import MOST_ROWS, WIDTH, text
from caviar.analysis.audit.verdict import judged
from tests.analysis.audit.made import evidence, layer, readings


def _lines(*layers: object, **changes: object) -> list[str]:
    facts = facts_of(evidence(*layers, **changes))  # type: ignore[arg-type]
    return text(facts, judged(facts)).splitlines()


def test_the_answer_comes_first_and_lines_are_short() -> None:
    lines = _lines(*(layer(f"bn{i}", weight=0.8) for i in range(3)), train=readings(stored=2.0))
    assert lines[0].startswith("start: The start (mean 0, variance 1) still makes up 80 % of all")
    assert lines[2].startswith("1. ")
    assert max(map(len, lines)) <= WIDTH + 10
    assert "stored 2, population 0.2, precise 0.2, batch 0.25." in " ".join(lines)
    assert sum(line.startswith("bn") for line in lines) == 3


def test_of_many_norms_those_that_differ_most_are_shown() -> None:
    layers = [layer(f"bn{i}", weight=0.8 * (i == 29)) for i in range(MOST_ROWS + 6)]
    lines = _lines(*layers)
    assert sum(line.startswith("bn") for line in lines) == MOST_ROWS
    assert any(line.startswith("bn29 ") for line in lines)
    assert "6 more norms differ or cost less; --json has all." in lines


def test_without_a_loss_it_asks_for_one() -> None:
    assert "No loss could be computed" in " ".join(_lines(train=None))


def test_norms_that_are_never_or_twice_called_are_named() -> None:
    lines = _lines(replace(layer(), calls=2), never_called=("head.bn",))
    assert "Never called in a pass: head.bn." in lines
    assert lines[-1].endswith("with one set of statistics: bn1.")


def test_rounding_is_told_as_nothing_and_two_digits_are_enough() -> None:
    row = next(line for line in _lines(layer("bn1", weight=0.0)) if line.startswith("bn1"))
    assert row.split()[1:3] == ["0", "0"]  # no start is left
    assert not any("e-" in cell for cell in row.split())
    words = " ".join(_lines())
    assert "The noise of batches adds to the loss of the data given: 0.4 at m = 4" in words

"""The words of the page."""

from __future__ import annotations

from caviar.analysis.report.glossary import GLOSSARY
from caviar.analysis.tables.families import MARGINS


def test_words_stand_once_and_are_explained_in_sentences() -> None:
    words = [word for word, _ in GLOSSARY]
    assert len(set(words)) == len(words)
    assert all(meaning.endswith(".") for _, meaning in GLOSSARY)


def test_the_margin_of_equivalence_is_that_of_the_tables() -> None:
    assert any(f"{MARGINS['test_loss']:g} nats" in meaning for _, meaning in GLOSSARY)

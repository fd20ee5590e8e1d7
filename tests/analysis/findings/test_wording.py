"""Pieces of sentences."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from caviar.analysis.findings.wording import at_level, behind, by_facet, first_and_last, opening
from tests.analysis.synthetic import crossed, results_in, run_of

ROWS = pd.DataFrame(
    {"facet": "", "level": [64.0, 8.0], "mean": [0.5, 2.0], "low": [0.25, 1.0], "high": [1.0, 3.0]}
)


def test_facets_open_their_sentences_and_rows_stand_by_level() -> None:
    assert opening("norm = layer") == "norm = layer: " and opening("") == ""
    ((name, rows),) = by_facet(ROWS)
    assert name == "" and rows["level"].tolist() == [8, 64]
    assert by_facet(ROWS.iloc[:0]) == []


def test_the_ends_of_a_line_in_words(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    results = results_in(run_of(tmp_path, crossed(levels, seeds=range(3)), scientific=levels))
    assert at_level(results, 8.0) == "m = 8"
    assert behind(results, 3) == "3 seeds; 0 diverged, 0 failed, 0 lost"
    rows = ROWS.sort_values("level")
    expected = "2 [1, 3] nats at m = 8. At m = 64 that is 0.5 [0.25, 1]"
    assert first_and_last(results, rows, " nats") == expected
    assert first_and_last(results, rows.iloc[:1], " nats", signed=True) == "+2 [1, 3] nats at m = 8"

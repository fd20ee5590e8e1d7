"""What is said about the fields of a search: what matters, what is luck, which range to widen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.findings.field_importance import FIELD_IMPORTANCE, told
from caviar.analysis.findings.finding import Results
from tests.analysis.synthetic import results_in
from tests.analysis.tables.configurations.searches import search


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return results_in(search(tmp_path_factory.mktemp("search"), 12))


def row(field: str, low: float, edge: str = "") -> dict[str, Any]:
    ends = {"lowest": 0.001, "highest": 1.0, "best": 0.5}
    return {"field": field, "mean": low + 0.1, "low": low, "high": low + 0.2, **ends, "edge": edge}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [row("all", 0.6), row("rate", 0.4, "high"), row("width", 0.1), row("decay", -0.1)],
            [
                "rate and width can be told to matter, the most important first.",
                "What decay adds cannot be told from luck.",
                "The best trials lie at the high end of rate (near 1): draw from higher values "
                "too.",
            ],
        ),
        (
            [row("all", 0.6), row("rate", -0.1), row("width", -0.2)],
            ["No single field can be told to matter."],
        ),
        (
            [row("all", np.nan)],
            ["To tell which field matters takes 20 finite trials or more, with different losses."],
        ),
    ],
)
def test_sentences(results: Results, rows: list[dict[str, Any]], says: list[str]) -> None:
    results._kept["field_importance"] = pd.DataFrame(rows)
    assert told(results) == says


def test_a_forest_that_predicts_nothing_is_said_first(results: Results) -> None:
    results._kept["field_importance"] = pd.DataFrame([row("all", -0.2), row("rate", 0.1, "low")])
    (only,) = told(results)
    assert "do not predict" in only and "[" in only


def test_a_line_per_trial_on_an_axis_per_field(results: Results) -> None:
    assert FIELD_IMPORTANCE.draw is not None
    (axes,) = FIELD_IMPORTANCE.draw(results).axes
    lines = [len(drawn.get_segments()) for drawn in axes.collections[:3]]  # type: ignore[attr-defined]
    assert lines == [7, 4, 1]
    words = [text.get_text() for text in axes.texts]
    assert words[::3] == ["learning_rate", "momentum", "norm_batch_size", "validation loss"]
    (best,) = axes.collections[2].get_segments()  # type: ignore[attr-defined]
    assert best[-1, 1] == 1 and best[0, 1] == 1  # The highest rate is the best.


def test_a_field_that_is_no_search_has_no_sentence(results: Results) -> None:
    results._kept["field_importance"] = pd.DataFrame()
    assert told(results) == []

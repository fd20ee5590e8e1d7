"""Results compute what is asked for, once."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.registry import BY_NAME
from tests.analysis.synthetic import compared, crossed, results_in, run_of

SIZES = {"norm_batch_size": [8, 64]}


def counted(name: str, log: list[str], *needs: str) -> Finding:
    """A finding that writes down when it is computed, from others that it needs."""

    def compute(results: Results) -> pd.DataFrame:
        log.append(name)
        return pd.DataFrame({"rows": [sum(len(results[need]) for need in needs)]})

    columns = (Column("rows", "count", "Rows of what it needs."),)
    return Finding(name=name, part="run", compute=compute, columns=columns)


def test_a_table_is_computed_when_asked_for_and_kept(tmp_path: Path) -> None:
    log: list[str] = []
    findings = {
        "one": counted("one", log),
        "two": counted("two", log, "one"),
        "other": counted("other", log),
    }
    comparison = compared(run_of(tmp_path, crossed(SIZES, seeds=(0,)), scientific=SIZES))
    results = Results(comparison, (), findings)
    assert log == [] and list(results) == ["one", "two", "other"] and len(results) == 3
    assert results["two"]["rows"].tolist() == [1] and log == ["two", "one"]
    assert results["two"] is results["two"] and log == ["two", "one"]
    assert list(results.tables()) == ["one", "two", "other"] and log == ["two", "one", "other"]


def test_an_unknown_name_raises_with_the_nearest(tmp_path: Path) -> None:
    results = results_in(run_of(tmp_path, crossed(SIZES, seeds=(0,)), scientific=SIZES))
    message = "there is no table 'effect_of_sise'; the nearest is 'effect_of_size'; all tables: "
    for ask in (results.__getitem__, results.reading):
        with pytest.raises(KeyError, match=re.escape(message)):
            ask("effect_of_sise")
    assert "effect_of_size" in results and "effect_of_sise" not in results


def test_a_name_that_is_like_none_raises_too(tmp_path: Path) -> None:
    results = results_in(run_of(tmp_path, crossed(SIZES, seeds=(0,)), scientific=SIZES))
    with pytest.raises(KeyError, match="there is no table ''"):
        results[""]
    assert list(results) == list(BY_NAME)


@pytest.mark.parametrize("reading", ["", "best", "every draws"])
def test_an_unknown_reading_is_no_empty_table(reading: str, tmp_path: Path) -> None:
    results = results_in(run_of(tmp_path, crossed(SIZES, seeds=(0,)), scientific=SIZES))
    with pytest.raises(KeyError, match=f"there is no reading '{reading}'; readings are 'every "):
        results.reading("losses", reading)
    assert len(results.reading("losses", "every draw"))

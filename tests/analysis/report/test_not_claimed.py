"""What a page does not claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.not_claimed import (
    GHOSTS,
    NOT_CLAIMED,
    UPDATES,
    inferred_to,
    not_claimed,
)
from caviar.analysis.results import results_of
from tests.analysis.synthetic import crossed, run_of


def test_the_last_caution_is_that_of_the_design(tmp_path: Path) -> None:
    for name, levels, last in (
        ("ghosts", {"norm_batch_size": [8, 64]}, (GHOSTS,)),
        ("updates", {"batch_size": [32, 64]}, (UPDATES,)),
        ("neither", {"dropout": [0.0, 0.5]}, ()),
    ):
        run = run_of(tmp_path / name, crossed(levels, seeds=(0,)), scientific=levels)
        claims = not_claimed(results_of(run))
        assert claims[-len(NOT_CLAIMED) - len(last) :] == (*NOT_CLAIMED, *last)
        assert len(claims) == len(NOT_CLAIMED) + 2 * len(last)


def test_families_are_counted() -> None:
    """Nothing is corrected across them: three quantities under two readings are six."""
    first = NOT_CLAIMED[0]
    assert "nothing is corrected across families" in first
    assert "three quantities under two readings are six" in " ".join(first.split())


def with_data(root: Path, **dataset: object) -> str:
    """The first sentence about a run whose study.json says this of its data."""
    levels = {"norm_batch_size": [8, 64]}
    run = run_of(root, crossed(levels, seeds=(0,)), scientific=levels)
    data = {"rows": str(dataset.pop("rows", "1,797"))}
    study = {**run.study, "data": data, "study": {**run.study["study"], "dataset": dataset}}
    results = results_of(replace(run, study=study))
    assert isinstance(results, Results)
    return inferred_to(results)


def test_the_first_sentence_says_which_examples_are_inferred_to(tmp_path: Path) -> None:
    shared = with_data(tmp_path / "shared", name="digits")
    assert shared.startswith(
        "All seeds divide the same 1,797 examples, so intervals hold for other"
    )
    assert "those of differences of test loss between sizes in 92 to 97 % of simulations" in shared
    assert "For a loss itself" in shared and 'split = "disjoint"' in shared
    given = with_data(tmp_path / "given", rows="900, the last 100 of them the given test set")
    assert "the same 900 examples and are tested on the same given examples" in given
    disjoint = with_data(tmp_path / "own", name="digits", split="disjoint")
    assert disjoint.startswith(
        "Every seed has examples of its own, so intervals hold for other data"
    )

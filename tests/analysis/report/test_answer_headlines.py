"""The two sentences that a reader takes away, and those about the parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import about, headlines
from caviar.analysis.results import results_of
from tests.analysis.synthetic import World, crossed, results_in, run_of

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64]}


def results_with(root: Path, world: World | None = None, **fields: Any) -> Results:
    return results_in(run_of(root, crossed(SIZES, **fields), world, scientific=SIZES))


def test_nothing_to_compare_has_no_headline(tmp_path: Path) -> None:
    single = {"norm_batch_size": [8]}
    assert headlines(results_of(run_of(tmp_path, crossed(single), scientific=single))) == ("", "")


def test_the_whole_training_split_is_named(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 1024]}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    assert "m = 1024 is the whole training split" in " ".join(about(results_in(run)))
    assert "whole training split" not in " ".join(about(results_with(tmp_path / "other")))


def test_wrong_labels_are_named(tmp_path: Path) -> None:
    results = results_with(tmp_path)
    results.run.study["study"]["dataset"] = {"label_noise": 0.2}
    (sentence,) = [line for line in about(results) if "label_noise" in line]
    assert sentence.startswith(
        "20 % of the training labels are wrong on purpose (label_noise). Train "
    )
    results.run.study["study"]["dataset"] = {"label_noise": 0.0}
    assert not any("label_noise" in line for line in about(results))


@pytest.mark.parametrize("facets", [("batch", "batch"), ("relu", "tanh")])
def test_crossed_fields_keep_their_sentences_apart(tmp_path: Path, facets: tuple[str, ...]) -> None:
    levels: dict[str, Any] = {**SIZES, "activation": sorted({"relu", facets[1]} & {"relu", "tanh"})}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    tables = results_in(run)
    several = len(levels["activation"]) > 1
    assert (headlines(tables)[0] == "") == several

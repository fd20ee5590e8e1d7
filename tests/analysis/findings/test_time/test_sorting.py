"""Test batches sorted by class against shuffled ones, in a run whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caviar.analysis.findings.test_time.sorting import SORTING
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [8, 64]}


def test_sorted_less_shuffled_under_the_same_statistics(tmp_path: Path) -> None:
    """Accuracy is 0.9 on shuffled batches and 0.5 on sorted ones."""
    world = World(sorting=lambda config, seed: 8 / size(config) + seed / 50)
    run = run_of(tmp_path, crossed(SIZES), world, scientific=SIZES)
    results = results_in(run)
    table = results["sorting"].set_index(["quantity", "level"])
    assert table.loc[("test_loss", 8), "mean"] == pytest.approx(1.05)
    assert table.loc[("test_loss", 64), "mean"] == pytest.approx(0.175)
    assert table.loc[("test_accuracy", 8), "mean"] == pytest.approx(-0.4)
    (sentence,) = SORTING.sentences(results)
    assert "sorted by class instead of shuffled changes test loss by +1.05 [" in sentence
    assert "nats at m = 8. At m = 64 that is +0.175 [" in sentence
    assert " percentage points at m = 8. At m = 64 that is" in sentence
    assert "Accuracy changes by \N{MINUS SIGN}40 [" in sentence


def test_a_run_that_did_not_measure_it_says_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    earlier = run.evaluations.drop(columns=["sorted_loss", "sorted_accuracy"])
    results = results_in(replace(run, evaluations=earlier))
    assert results["sorting"].empty and SORTING.sentences(results) == []

"""Runs beside each other, and what is said of specifications."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.findings.regularization.several_runs import DESIGNS, SPECIFICATIONS
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [8, 64]}
NOTHING = {"dropout": [0.0, 0.5]}


def test_specifications_are_counted(tmp_path: Path) -> None:
    world = World(test=lambda config, seed: seed + 1 / size(config))
    trials = crossed(SIZES, rates=(0.1, 0.2))
    results = results_in(run_of(tmp_path, trials, world, scientific=SIZES))
    (sentence,) = SPECIFICATIONS.sentences(results)
    assert "test loss at the smallest size less that at the largest: 0 of 2 spec" in sentence


def test_designs_are_those_of_the_runs_beside(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", crossed(SIZES, seeds=(0,)), scientific=SIZES)
    assert DESIGNS.compute(results_in(run)).empty
    assert len(DESIGNS.compute(results_in(run, run))) == 2 * 2
    nothing = run_of(tmp_path / "other", crossed(NOTHING, seeds=(0,)), scientific=NOTHING)
    with pytest.raises(ValueError, match="two runs that compare sizes by seed"):
        DESIGNS.compute(results_in(run, nothing))

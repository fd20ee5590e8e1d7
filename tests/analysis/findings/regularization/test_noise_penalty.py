"""What is said of the price of noisy statistics."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.regularization.noise_penalty import (
    NOISE_PENALTY,
    NOISE_PENALTY_EXPONENT,
)
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64]}


def test_the_price_at_both_ends_and_its_power(tmp_path: Path) -> None:
    world = World(penalty=lambda config, seed: 2 / size(config))
    results = results_in(run_of(tmp_path, crossed(SIZES), world, scientific=SIZES))
    (price,) = NOISE_PENALTY.sentences(results)
    assert price == (
        "At the same weights, the noise of batches raises train loss by 0.5 [0.5, 0.5] nats at "
        "m = 4. At m = 64 that is 0.0312 [0.0312, 0.0312]. This is the loss with each batch's own "
        "statistics (train mode) less that with those of the whole training split (population "
        "statistics, which all other losses are read with)."
    )
    (power,) = NOISE_PENALTY_EXPONENT.sentences(results)
    assert "0.974 [0.974, 0.974] from m = 8 to 64" in power


def test_no_end_of_the_exponent_is_rounded_to_the_one_that_theory_expects() -> None:
    """It printed `1.07 [1, 1.15]` of an interval that excludes 1."""
    row = {"facet": "", "range": "from 8", "exponent": 1.07, "low": 1.0018, "high": 1.15}
    table = pd.DataFrame([{**row, "smallest": 8, "largest": 64}])
    results = cast(Results, SimpleNamespace(reading=lambda name: table))
    (power,) = NOISE_PENALTY_EXPONENT.sentences(results)
    assert "^1.07 [1.002, 1.15] from m = 8 to 64" in power


def test_two_sizes_have_no_power(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    results = results_in(run_of(tmp_path, crossed(levels), scientific=levels))
    assert NOISE_PENALTY_EXPONENT.sentences(results) == []

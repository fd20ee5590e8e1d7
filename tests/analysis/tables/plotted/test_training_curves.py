"""Medians and quartiles of losses while training, of rows that are given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.comparison import Comparison, comparison_of
from caviar.analysis.run.read import Run
from caviar.analysis.tables.plotted.training_curves import MOST_STEPS, training_curves
from tests.analysis.synthetic import crossed, run_of

SIZES = {"norm_batch_size": [8, 64]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("run"), crossed(SIZES), scientific=SIZES)


def with_losses(run: Run, steps: int) -> Comparison:
    """At every step the loss is `step + seed / 10`; that of seed 0 at m = 8 is not finite."""
    places = run.trials[["trial_id", "norm_batch_size", "draw"]].merge(
        pd.DataFrame({"seed": run.trials["seeds"].iloc[0]}), how="cross"
    )
    rows = places.merge(pd.DataFrame({"step": np.arange(1, steps + 1)}), how="cross")
    rows["loss"] = rows["step"] + rows["seed"] / 10
    rows.loc[(rows["norm_batch_size"] == 8) & (rows["seed"] == 0), "loss"] = np.inf
    comparison = comparison_of(replace(run, curves=rows))
    assert isinstance(comparison, Comparison)
    return comparison


def test_median_and_quartiles_over_seeds(run: Run) -> None:
    table = training_curves(with_losses(run, 3))
    seeds = np.array(run.trials["seeds"].iloc[0])
    rows = table[table["quantity"] == "batch_loss"].set_index(["level", "step"])
    low, median, high = 2 + np.quantile(seeds, (0.25, 0.5, 0.75)) / 10
    assert rows.loc[
        (64, 2), ["lower_quartile", "median", "upper_quartile"]
    ].tolist() == pytest.approx([low, median, high])
    assert rows.loc[(8, 2), "units"] == len(seeds) - 1
    assert rows.loc[(8, 2), "median"] == pytest.approx(2 + np.median(seeds[seeds != 0]) / 10)


def test_a_long_training_keeps_its_ends_and_few_steps(run: Run) -> None:
    table = training_curves(with_losses(run, 1000))
    steps = table.loc[table["quantity"] == "batch_loss", "step"]
    assert steps.nunique() == MOST_STEPS and {steps.min(), steps.max()} == {1, 1000}

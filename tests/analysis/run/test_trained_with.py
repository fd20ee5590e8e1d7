"""Only networks that train with the compared size enter an effect of it: in a real run and
in made ones of three norms, every number is the one that the batch-norm networks alone give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from caviar.analysis.compare.runs import compare
from caviar.analysis.report.answer import about
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison, comparison_of
from caviar.analysis.run.read import Run, of_trials, read_run
from caviar.analysis.run.trained_with import EARLIER, unread_in
from caviar.analysis.tables.planned_power import of_pilot
from caviar.runner.config import TrialConfig
from caviar.runner.study.not_compared import not_trained_with
from tests.analysis.synthetic import (
    World,
    compared,
    crossed,
    results_in,
    run_of,
    size,
    trial,
    wiggle,
)
from tests.analysis.test_results_real_runs import planned, run_plan

NORMS = ["batch", "layer", "none"]
SIZES = [4, 16, 64]
DRAWN: dict[str, Any] = {
    **{"replicas": 5, "budget": {"steps": 6}, "draws": {"count": 4}},
    "dataset": {"name": "wine", "train": 80, "validation": 40},
    "fixed": {
        **{"hidden": [6], "batch_size": 64, "evaluations": 1, "curve_rows": 2},
        **{"probe_batch_sizes": [4, 16], "conventions": ["unbiased"], "decays": []},
    },
    "scientific": {"norm_batch_size": SIZES},
    "nuisance": {
        "learning_rate": {"scale": "log_uniform", "low": 0.05, "high": 0.5},
        "norm": {"scale": "choice", "values": NORMS},
    },
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A real run: the norm is drawn beside the learning rate, the size is crossed."""
    root = tmp_path_factory.mktemp("drawn")
    run_plan(planned(**DRAWN), root)
    return read_run(root)


def loss(config: TrialConfig, seed: int) -> float:
    """Smaller batches help batch norm; without it the size changes nothing."""
    of_norm = {"batch": 0.002 * size(config), "layer": 0.5, "none": 0.7}[config.norm]
    noise = wiggle(config, seed) if config.norm == "batch" else 0.0
    return float(of_norm + config.learning_rate / 100 + noise)


WORLD = World(train=loss, validation=loss, test=loss)


@pytest.fixture(scope="module")
def all_crossed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    levels = {"norm": NORMS, "norm_batch_size": SIZES}
    trials = crossed(levels, rates=(0.1, 0.2))
    return run_of(tmp_path_factory.mktemp("crossed"), trials, WORLD, scientific=levels)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every trial another rate, size and norm; large sizes have layer norm more often."""
    trials = [
        trial(
            draw=i,
            learning_rate=0.1 + i / 100,
            norm=NORMS[0 if i % 5 else 1 + i % 2],
            norm_batch_size=SIZES[i % 3],
        )
        for i in range(24)
    ]
    return run_of(
        tmp_path_factory.mktemp("searched"), trials, WORLD, nuisance=["learning_rate", "norm"]
    )


def batch_norm_alone(run: Run) -> Run:
    return of_trials(run, run.trials.loc[run.trials["norm"] == "batch", "trial_id"])


def test_the_effect_of_a_drawn_norm_is_that_of_its_batch_norm_networks(drawn: Run) -> None:
    """By hand, with pandas: the difference of each seed and draw, averaged."""
    test = drawn.evaluations.query("split == 'test' and statistics == 'population'")
    test = test[test["step"] == test["step"].max()]
    wide = test.pivot_table(
        index=["norm", "draw", "seed"], columns="norm_batch_size", values="loss"
    )
    by_hand = (wide[4] - wide[64]).groupby("norm").mean()
    table = results_in(drawn).reading("effect_of_size").query("quantity == 'test_loss'")
    assert table.set_index("level").loc[4.0, "mean"] == pytest.approx(by_hand["batch"], abs=1e-12)
    assert by_hand["batch"] != pytest.approx((wide[4] - wide[64]).mean(), abs=1e-3)
    assert (by_hand.drop("batch") == 0).all(), "the same network at every size"


def test_the_effect_in_a_search_is_that_of_its_batch_norm_networks(searched: Run) -> None:
    test = searched.evaluations.query("split == 'test' and statistics == 'population'")
    test = test[(test["step"] == test["step"].max()) & (test["norm"] == "batch")]
    means = test.groupby(["norm_batch_size", "trial_id"])["loss"].mean().groupby(level=0).mean()
    table = results_in(searched).reading("effect_of_size").query("quantity == 'test_loss'")
    assert table.set_index("level")["mean"].to_dict() == pytest.approx(
        {4.0: means[4] - means[64], 16.0: means[16] - means[64]}, abs=1e-12
    )


@pytest.mark.parametrize("name", ["drawn", "all_crossed", "searched"])
def test_tables_are_those_of_the_batch_norm_networks(
    name: str, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(name)
    results, alone = results_in(run), results_in(batch_norm_alone(run))
    assert results.comparison.run.trials.equals(alone.comparison.run.trials)
    assert results.design == alone.design and results.design.planned == alone.design.planned
    for table in ("effect_of_size", "noise_penalty", "best_size", "tuning", "specifications"):
        pd.testing.assert_frame_equal(results[table], alone[table], check_dtype=False)


def test_a_crossed_norm_leaves_no_facet_without_an_effect(all_crossed: Run) -> None:
    comparison = compared(all_crossed)
    assert comparison.design.facets == ()
    without = comparison.not_compared
    assert without is not None and without[:2] == (12, 18)
    assert about(results_in(all_crossed))[1] == (
        "12 of 18 trials enter no effect of m: training with norm = layer or none does not use "
        "it, so these networks are the same at every m."
    )


def test_the_pilot_of_a_plan_is_its_batch_norm_networks(drawn: Run) -> None:
    assert of_pilot(drawn) == of_pilot(batch_norm_alone(drawn))


def test_two_runs_are_compared_once_where_the_size_changes_nothing(all_crossed: Run) -> None:
    """Three times the same difference under layer norm would count three times among p-values."""
    table = compare(all_crossed, all_crossed).differences
    levels = table.query("quantity == 'test_loss'").groupby("norm")["norm_batch_size"].unique()
    assert levels.map(sorted).to_dict() == {
        "batch": ["16", "4", "64"],
        "layer": ["any"],
        "none": ["any"],
    }
    assert (table["units"] == 6).all() and (table["left_out"] == 0).all()


def test_a_run_of_before_knows_the_norms_of_before(drawn: Run) -> None:
    study = {key: value for key, value in drawn.study.items() if key != "not_trained_with"}
    assert study != drawn.study and unread_in(study) == EARLIER
    comparison = compared(replace(drawn, study=study))
    assert comparison.run.trials.equals(compared(drawn).run.trials)
    now = unread_in({"not_trained_with": not_trained_with()})
    assert [(row.field, set(row.values)) for row in now] == [
        (row.field, set(row.values)) for row in EARLIER
    ]


def test_a_size_that_no_training_uses_is_not_compared(tmp_path: Path) -> None:
    levels = {"norm": ["layer", "none"], "norm_batch_size": [8, 64]}
    nothing = results_of(run_of(tmp_path, crossed(levels), scientific=levels))
    assert isinstance(nothing, NoComparison)
    assert nothing.why == (
        "norm_batch_size differs only between trials whose training does not use it "
        "(norm = layer or none): there is nothing to compare."
    )


def test_every_network_trains_with_the_batch_of_an_update(tmp_path: Path) -> None:
    levels = {"norm": ["batch", "layer"], "batch_size": [32, 64]}
    comparison = compared(run_of(tmp_path, crossed(levels), scientific=levels))
    assert comparison.not_compared is None
    assert comparison.design.facets == ("norm",)
    assert comparison.design.label == "batch size B", "m is B under batch norm alone"


def test_it_waits_for_a_trial_that_counts(tmp_path: Path) -> None:
    levels = {"norm": ["batch", "layer"], "norm_batch_size": [8, 64]}
    run = run_of(
        tmp_path,
        crossed(levels),
        scientific=levels,
        status=lambda config: "completed" if config.norm == "layer" else None,
    )
    nothing = comparison_of(run)
    assert isinstance(nothing, NoComparison)
    assert nothing.why == (
        "No trial that uses norm_batch_size in training has finished yet: come back later."
    )

"""The effect of size under every specification, counted and taken apart by field."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from caviar.analysis.findings.registry import BY_NAME
from caviar.analysis.findings.regularization.several_runs import SPECIFICATIONS
from caviar.analysis.report.figure_files import picture_and_files
from caviar.analysis.report.page.section import code_of
from caviar.analysis.run.read import Run
from caviar.analysis.tables.specification_curve import (
    BEST,
    SMALLEST,
    below_zero,
    choices,
    specifications,
)
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from tests.analysis.page import has_section, run_code
from tests.analysis.synthetic import (
    World,
    compared,
    crossed,
    results_in,
    run_of,
    size,
    stored_run,
    trial,
)

LEVELS = {"activation": ["relu", "tanh"], "norm_batch_size": [8, 32, 64]}
SLOPE = {("relu", 0): -0.2, ("relu", 1): 0.1, ("tanh", 0): -0.4, ("tanh", 1): -0.3}
"""Test loss at 8 less that at 64, by activation and draw; at 32 it is -0.05 for all."""
NOISE = (-0.01, 0.01, 0.02, -0.02, 0.005, -0.005)
WINE = DatasetConfig(name="wine", fingerprint="wine")


def loss(config: TrialConfig, seed: int) -> float:
    slope = SLOPE[config.activation, config.draw]
    return 1 + seed + {8: slope + NOISE[seed], 32: -0.05, 64: 0.0}[size(config)]


def faceted(root: Path) -> Run:
    trials = crossed(LEVELS, rates=(0.1, 0.3))
    return stored_run(root, trials, World(test=loss), scientific=LEVELS, name="facets")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return faceted(tmp_path_factory.mktemp("facets"))


def of(table: pd.DataFrame, compared: str) -> pd.DataFrame:
    return table[table["compared"] == compared]


def test_every_facet_and_draw_has_its_effect_in_order(run: Run) -> None:
    rows = of(specifications([compared(run)]), SMALLEST)
    assert rows["mean"].tolist() == pytest.approx(sorted(SLOPE.values()))
    assert rows["activation"].tolist() == ["tanh", "tanh", "relu", "relu"]
    assert rows["draw"].tolist() == ["0", "1", "0", "1"]
    assert rows["learning_rate"].tolist() == [0.1, 0.3, 0.1, 0.3]
    assert set(rows["level"]) == {8} and set(rows["reference"]) == {64}
    assert set(rows["units"]) == {6} and set(rows["left_out"]) == {0}
    assert ((rows["low"] < rows["mean"]) & (rows["mean"] < rows["high"])).all()


def test_the_best_size_is_that_of_all_draws_of_the_facet(run: Run) -> None:
    """For relu 8 and 32 are -0.05 on average over draws; tanh is best at 8."""
    rows = of(specifications([compared(run)]), BEST).set_index(["activation", "draw"])
    assert rows.loc[("tanh", "0"), "level"] == 8
    assert rows.loc[("tanh", "1"), "mean"] == pytest.approx(-0.3)
    level = rows.loc[("relu", "0"), "level"]
    assert level == rows.loc[("relu", "1"), "level"]


def test_counts_are_by_each_interval(run: Run) -> None:
    table = specifications([compared(run)])
    expected = "3 of 4 specifications are below zero (significantly); 1 is significantly above"
    assert below_zero(table, SMALLEST) == expected
    (sentence,) = SPECIFICATIONS.sentences(results_in(run))
    assert sentence.endswith(f" at the smallest size less that at the largest: {expected}.")
    wide = table.assign(high=1.0, low=-1.0)
    assert below_zero(wide, SMALLEST) == "3 of 4 specifications are below zero (not significantly)"
    none = wide.assign(mean=[math.nan, *wide["mean"][1:]])
    counted = "2 of 3 specifications are below zero (not significantly); 1 without a value"
    assert below_zero(none, SMALLEST) == counted


def test_a_best_size_that_is_the_largest_changes_nothing(tmp_path: Path) -> None:
    sizes = {"norm_batch_size": [8, 64]}
    world = World(test=lambda config, seed: 1 + seed + (size(config) == 8) + NOISE[seed])
    run = run_of(tmp_path, crossed(sizes, rates=(0.1, 0.2)), world, scientific=sizes)
    table = specifications([compared(run)])
    best = of(table, BEST)
    assert best[["mean", "low", "high"]].to_numpy().tolist() == [[0, 0, 0]] * 2
    assert set(best["units"]) == {6} and set(best["level"]) == {64}
    assert below_zero(table, BEST) == "0 of 2 specifications are below zero"


def test_runs_beside_are_specifications_by_what_they_differ_in(run: Run, tmp_path: Path) -> None:
    sizes = {"norm_batch_size": [16, 64]}
    deep: dict[str, Any] = {
        "dataset": WINE,
        "hidden": (8, 8),
        "activation": "tanh",
        "decays": (0.5,),
    }
    world = World(test=lambda config, seed: seed + 2 * (size(config) == 16))
    other = run_of(tmp_path, crossed(sizes, **deep), world, scientific=sizes, name="other")
    rows = of(specifications([compared(run), compared(other)]), SMALLEST)
    last = rows.iloc[-1]
    assert (last["study"], last["dataset"], last["hidden"]) == ("other", "wine", "8, 8")
    assert last["mean"] == pytest.approx(2) and last["level"] == 16 and len(rows) == 5
    fields = rows.columns.tolist()[rows.columns.get_loc("left_out") + 1 :]
    assert set(fields) == {"dataset", "hidden", "activation", "learning_rate"}
    assert len(of(specifications([compared(other), compared(other)]), SMALLEST)) == 2


def test_what_failed_is_a_specification_without_a_value(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        crossed(LEVELS, rates=(0.1, 0.3)),
        World(test=loss),
        scientific=LEVELS,
        status=lambda c: (
            "failed" if (c.activation, size(c), c.draw) == ("tanh", 8, 1) else "completed"
        ),
    )
    table = specifications([compared(run)])
    lost = of(table, SMALLEST).iloc[-1]
    assert math.isnan(lost["mean"]) and (lost["units"], lost["left_out"]) == (0, 6)
    assert below_zero(table, SMALLEST).endswith("; 1 without a value")


def test_one_specification_is_no_curve(tmp_path: Path) -> None:
    sizes = {"norm_batch_size": [8, 64]}
    alone = run_of(tmp_path / "a", crossed(sizes), scientific=sizes)
    assert specifications([compared(alone)]).empty
    drawn = [
        trial(norm_batch_size=m, learning_rate=rate, draw=draw)
        for draw, (m, rate) in enumerate([(8, 0.1), (64, 0.2), (8, 0.3), (64, 0.4)])
    ]
    search = run_of(tmp_path / "b", drawn, nuisance=("norm_batch_size", "learning_rate"))
    assert specifications([compared(search)]).empty
    rows = of(specifications([compared(alone), compared(search)]), SMALLEST).set_index("draw")
    assert rows.loc["0", "learning_rate"] == 0.1 and pd.isna(rows.loc["every", "learning_rate"])


def test_what_makes_them_by_value_and_of_many_numbers_by_thirds(run: Run) -> None:
    table = specifications([compared(run)])
    made_of = dict(choices(table))
    assert list(made_of) == [
        "activation relu",
        "activation tanh",
        "learning_rate 0.1",
        "learning_rate 0.3",
    ]
    assert made_of["activation tanh"].tolist() == (table["activation"] == "tanh").tolist()
    many = table.assign(learning_rate=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    thirds = [(name, has.sum()) for name, has in choices(many) if name.startswith("learning")]
    names = ("0.1 to 0.3", "0.4 to 0.6", "0.7 to 0.8")
    assert thirds == [(f"learning_rate {n}", k) for n, k in zip(names, (3, 3, 2), strict=True)]


def test_the_page_has_them_without_a_run_beside(run: Run, tmp_path: Path) -> None:
    results = results_in(run)
    assert has_section(results, "specifications")
    code = code_of(results, "specifications")
    assert run_code(code).equals(results["specifications"])
    draw = BY_NAME["specifications"].draw
    assert draw is not None
    picture_and_files(draw, results, tmp_path / "specifications", ("svg",))
    assert (tmp_path / "specifications.svg").stat().st_size > 0

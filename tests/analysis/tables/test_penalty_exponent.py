"""Exponents of the noise penalty in 1/m - 1/N on runs whose exponent is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.tables.penalty_exponent import penalty_exponents
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import EXAMPLES, World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64, 128, 256]}
N = EXAMPLES["train"]


def exponents(run: Run) -> pd.DataFrame:
    return penalty_exponents(compared(run))


def u(m: float) -> float:
    return 1 / m - 1 / N


@pytest.mark.parametrize("power", [1.0, 0.8, -0.5])
def test_a_power_of_u_has_one_exponent_in_every_range(tmp_path: Path, power: float) -> None:
    world = World(penalty=lambda config, seed: (1 + seed) * u(size(config)) ** power)
    table = exponents(run_of(tmp_path, crossed(SIZES), world, scientific=SIZES))
    assert table["range"].tolist() == ["from 8", "from 64", *["between"] * 6]
    for column in ("exponent", "low", "high"):
        assert table[column].to_numpy() == pytest.approx(np.full(8, power))
    assert table[["smallest", "largest"]].to_numpy().tolist() == [
        [8, 256],
        [64, 256],
        *([m, 2 * m] for m in (4, 8, 16, 32, 64, 128)),
    ]
    assert set(table["units"]) == {6} and set(table["not_positive"]) == {0.0}


def test_each_range_has_its_own_sizes(tmp_path: Path) -> None:
    """Another power below 8 and from 64 up: the fit from 8 sees neither 4 nor one power alone."""
    penalties = {
        m: 100.0 if m == 4 else u(m) ** (1 if m >= 64 else 2) for m in SIZES["norm_batch_size"]
    }
    world = World(penalty=lambda config, seed: penalties[size(config)])
    table = exponents(run_of(tmp_path, crossed(SIZES), world, scientific=SIZES))
    sizes = [m for m in penalties if m >= 8]
    x = [math.log(u(m)) for m in sizes]
    fitted = np.polyfit(x, [math.log(penalties[m]) for m in sizes], 1)[0]
    by_range = table.set_index(["range", "smallest"])["exponent"]
    assert by_range["from 8", 8] == pytest.approx(fitted)
    assert by_range["from 64", 64] == pytest.approx(1)
    assert by_range["between", 8] == pytest.approx(2)
    assert by_range["between", 128] == pytest.approx(1)


def test_seeds_are_averaged_before_the_logarithm(tmp_path: Path) -> None:
    """A seed's penalty is below zero at 64 while the mean is not: the seed stays."""
    levels = {"norm_batch_size": [8, 64]}

    def penalty(config: TrialConfig, seed: int) -> float:
        return u(size(config)) * (1 + 5 * (-1.0) ** seed * (size(config) == 64))

    run = run_of(tmp_path, crossed(levels), World(penalty=penalty), scientific=levels)
    (row,) = exponents(run).to_dict("records")
    assert row["exponent"] == pytest.approx(1)
    assert (row["units"], row["left_out"], row["not_positive"]) == (6, 0, 3 / 12)


def test_a_draw_that_diverged_at_one_size_is_left_out_at_all(tmp_path: Path) -> None:
    """The second draw's penalty is a thousand times as large: sizes must not differ by it."""

    def loss(config: TrialConfig, seed: int) -> float:
        return math.nan if (config.draw, size(config)) == (1, 16) else 0.5

    world = World(
        train=loss, penalty=lambda config, seed: u(size(config)) * (1000 if config.draw else 1)
    )
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2)), world, scientific=SIZES)
    table = exponents(run)
    assert table["exponent"].to_numpy() == pytest.approx(np.ones(16))
    units = table["units"].groupby(table["reading"]).unique().map(list).to_dict()
    assert units == {"every draw": [6], "best draw": [5]}


def test_a_seed_that_diverged_is_counted(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        return math.inf if (seed, size(config)) == (3, 16) else 0.5

    world = World(train=loss, penalty=lambda config, seed: u(size(config)))
    table = exponents(run_of(tmp_path, crossed(SIZES), world, scientific=SIZES))
    assert set(table["units"]) == {5} and set(table["left_out"]) == {1}


def test_the_whole_training_split_has_no_u(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64, 256, N]}
    world = World(penalty=lambda config, seed: u(size(config)))
    table = exponents(run_of(tmp_path, crossed(levels), world, scientific=levels))
    assert table["largest"].max() == 256
    assert table["exponent"].to_numpy() == pytest.approx(np.ones(3))


def test_facets_have_their_own_exponents(tmp_path: Path) -> None:
    levels = {"activation": ["relu", "tanh"], **SIZES}
    world = World(
        penalty=lambda config, seed: u(size(config)) ** (1 + (config.activation == "tanh"))
    )
    table = exponents(run_of(tmp_path, crossed(levels), world, scientific=levels))
    by_facet = table[table["range"] == "from 8"].set_index("facet")["exponent"]
    assert by_facet.to_dict() == pytest.approx({"activation = relu": 1, "activation = tanh": 2})


def test_there_is_none_without_a_penalty_that_depends_on_m(tmp_path: Path) -> None:
    levels = {"batch_size": [32, 64, 128]}
    assert exponents(run_of(tmp_path, crossed(levels, norm_batch_size=8), scientific=levels)).empty

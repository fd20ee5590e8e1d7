"""Tables of batch noise, penalties and gradient noise of an invented world."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables import batch_noise as noise
from caviar.analysis.theory import batch_statistics as theory
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [8, 64, 256]}
PROBES = (4, 8, 64)


def penalty(config: TrialConfig, seed: int) -> float:
    """At the size trained with; in `rows` it scales as 1/m of the evaluated batch."""
    return (1 + seed / 4 + 8 * config.draw) / size(config) ** 2


KNOWN = World(
    penalty=penalty,
    validation=lambda config, seed: -float(config.draw),
    kurtosis=lambda config, seed, layer: 1.0 + seed,
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    trials = crossed(SIZES, rates=(0.1, 0.2), probe_batch_sizes=PROBES, hidden=(8, 8))
    return run_of(tmp_path_factory.mktemp("known"), trials, KNOWN, scientific=SIZES)


def test_the_matrix_of_penalties_by_hand(known: Run) -> None:
    """R_in of a network trained at m and evaluated at p: (1 + seed/4 + 8 draw) / (m p)."""
    table = noise.penalties(compared(known))
    keys = ["reading", "quantity", "level", "probe_batch_size"]
    assert len(table) == 2 * 4 * 3 * 3 and not table.duplicated(keys).any()
    shares = {
        "noise_penalty": 1.0,
        "external_penalty": 0.75,
        "self_influence": 0.25,
        "predicted_self_influence": 0.2,
    }
    for row in table.to_dict("records"):
        first, draws = (0, 4) if row["reading"] == "every draw" else (1, 8)
        scale = shares[row["quantity"]] / row["level"] / row["probe_batch_size"]
        each = scale * (1 + np.arange(first, 6) / 4 + draws)
        expected = mean_interval(each, np.random.default_rng(0))
        estimate = (row["mean"], row["low"], row["high"], row["units"])
        assert estimate == pytest.approx(expected)
        error = 0.05 / shares[row["quantity"]] * expected.mean
        assert (row["partitions"], row["standard_error"]) == (3, pytest.approx(error))


def test_at_its_own_size(known: Run) -> None:
    """256 was not evaluated: a network trained with it has no row."""
    table = noise.at_own_size(noise.penalties(compared(known)))
    rows = table.query("reading == 'every draw' and quantity == 'noise_penalty'")
    assert rows["level"].tolist() == rows["probe_batch_size"].tolist() == [8, 64]
    assert rows["mean"].tolist() == pytest.approx([(1 + 2.5 / 4 + 4) / m**2 for m in (8, 64)])
    assert noise.at_own_size(pd.DataFrame()).empty


def test_levels_that_are_no_size_of_the_norm_have_no_matrix(tmp_path: Path) -> None:
    """Where B moves and m stays, a level is not the size trained with."""
    levels = {"batch_size": [8, 64, 256]}
    still = run_of(tmp_path / "m", crossed(levels, norm_batch_size=8), scientific=levels)
    assert noise.penalties(compared(still)).empty
    both = run_of(tmp_path / "both", crossed(levels), scientific=levels)
    assert set(noise.at_own_size(noise.penalties(compared(both)))["level"]) == {8, 64}


def test_the_share_of_partitions_in_gradient_noise(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES, probe_batch_sizes=(8, 64, 256)), scientific=SIZES)
    rows = run.noise
    share = (1 + rows["seed"]) / rows["norm_batch_size"]
    changed = rows.assign(partition_variance=share * rows["gradient_variance"])
    table = noise.gradient_noise(compared(Run(**{**vars(run), "noise": changed})))
    assert table["level"].tolist() == [8, 64, 256]
    for row in table.to_dict("records"):
        expected = mean_interval((1 + np.arange(6.0)) / row["level"], np.random.default_rng(0))
        assert (row["mean"], row["low"], row["high"]) == pytest.approx(expected[:3])
        assert (row["units"], row["reading"]) == (6, "every draw")


def test_gradient_noise_that_was_not_measured_is_no_row(known: Run, tmp_path: Path) -> None:
    """`known` has no gradient noise at 256, a size it does not probe."""
    assert set(noise.gradient_noise(compared(known))["level"]) == {8, 64}
    unmeasured = known.noise.assign(partition_variance=math.nan, gradient_variance=math.nan)
    nowhere = Run(**{**vars(known), "noise": unmeasured})
    assert noise.gradient_noise(compared(nowhere)).empty


def noise_to_signal(m: int, kurtosis: float) -> float:
    """(1 + (kurtosis + 2) / 4) / m without replacement of 1024."""
    return (1 + (kurtosis + 2) / 4) * (1024 - m) / 1023 / m


def between_examples(m: int, kurtosis: float) -> float:
    """Energy share of the Jacobian of x_hat = (x - mean) / deviation off its diagonal, by force.

    For one batch whose own x_hat has the kurtosis: sum over i, j of (dx_hat_i/dx_j)^2, which is
    [delta - 1/m - x_i x_j / m] / deviation.
    """
    # Values 0, b and -b with mean square 1 have the mean fourth power b^2.
    b = math.sqrt(kurtosis + 3)
    count = round(m / b**2 / 2)
    assert count * 2 * b**2 == pytest.approx(m)
    x = np.concatenate([np.full(count, b), np.full(count, -b), np.zeros(m - 2 * count)])
    jacobian = np.eye(m) - 1 / m - np.outer(x, x) / m
    energy = jacobian**2
    return float(1 - np.trace(energy) / energy.sum())


@pytest.mark.parametrize(("m", "kurtosis"), [(8, 1.0), (8, -1.0), (64, 1.0), (64, 5.0), (16, 5.0)])
def test_the_coupling_of_a_batch(m: int, kurtosis: float) -> None:
    assert theory.coupling(m, kurtosis) == pytest.approx(between_examples(m, kurtosis), rel=1e-12)


def test_two_examples_have_no_coupling() -> None:
    assert math.isnan(theory.coupling(2, 0.0))
    assert np.isnan(theory.coupling(np.array([1, 2, 4]), 0.0)).tolist() == [True, True, False]


def test_noise_to_signal_and_coupling_beside_theory(known: Run) -> None:
    """Over six seeds of excess kurtosis 1 to 6; the second layer measured twice as much."""
    rows = known.noise
    deep = rows["layer"] == "norm2"
    names = ["noise_to_signal", "coupling"]
    rows = rows.assign(**{name: rows[name].where(~deep, 2 * rows[name]) for name in names})
    table = noise.batch_noise(compared(Run(**{**vars(known), "noise": rows})))
    assert table["networks"].groupby(table["reading"]).unique().map(list).to_dict() == {
        "every draw": [3 * 2 * 6],
        "best draw": [3 * 5],
    }
    table = table[table["reading"] == "every draw"].set_index(["layer", "probe_batch_size"])
    assert len(table) == 2 * 3
    for layer, factor in (("norm1", 1), ("norm2", 2)):
        for m in PROBES:
            row = table.loc[(layer, m)]
            nu = np.mean([noise_to_signal(m, kurtosis) for kurtosis in range(1, 7)])
            assert row["predicted_noise_to_signal"] == pytest.approx(noise_to_signal(m, 3.5))
            assert row["measured_noise_to_signal"] == pytest.approx(factor * nu)
            between = (2 - (6 + 3.5) / m) / (m - 2)
            assert row["predicted_coupling"] == pytest.approx(between)
            assert row["measured_coupling"] == pytest.approx(factor * between)


def test_an_old_run_has_the_panels_that_it_measured(known: Run) -> None:
    old = known.noise.drop(columns=["noise_to_signal", "coupling"])
    table = noise.batch_noise(compared(Run(**{**vars(known), "noise": old})))
    assert {"measured_mean", "measured_deviation"} <= set(table.columns)
    assert not {"measured_noise_to_signal", "measured_coupling"} & set(table.columns)
    assert np.isfinite(table["measured_mean"]).all()


def test_measured_noise_has_an_interval_and_counts_what_diverged(known: Run) -> None:
    """Of the 3 sizes by 2 draws by 6 seeds one is not finite, in the second layer alone."""
    one = (known.noise["seed"] == 3) & (known.noise["draw"] == 1)
    one &= (known.noise["norm_batch_size"] == 64) & (known.noise["layer"] == "norm2")
    rows = known.noise.assign(mean_variance=known.noise["mean_variance"].mask(one))
    table = noise.batch_noise(compared(Run(**{**vars(known), "noise": rows})))
    table = table[table["reading"] == "every draw"].set_index(["layer", "probe_batch_size"])
    assert table["left_out"].groupby("layer").unique().map(list).to_dict() == {
        "norm1": [0],
        "norm2": [1],
    }
    assert (table["networks"] + table["left_out"] == 36).all()
    # Kurtosis differs by seed, so the deviation's variance does: (kurtosis + 2) / 4 / m.
    row, m = table.loc[("norm1", 8)], 8
    finite = (1024 - m) / 1023 / m
    each = np.array([finite * (3.0 + seed) / 4 for seed in range(6)])
    expected = mean_interval(each, np.random.default_rng(0))
    estimate = (row["measured_deviation"], row["low_deviation"], row["high_deviation"])
    assert estimate == pytest.approx(expected[:3])


def test_the_point_farthest_from_theory_is_so_as_a_ratio() -> None:
    """A quarter too small is farther than a quarter too large."""
    table = pd.DataFrame(
        {
            "layer": ["norm1", "norm1", "norm2", "norm2"],
            "probe_batch_size": [4, 8, 4, 8],
            "predicted_coupling": [0.286, 0.2, 0.2, math.nan],
            "measured_coupling": [0.401, 0.25, 0.15, 9.0],
            "predicted_mean": [0.0, 1.0, 1.0, 4.0],
            "measured_mean": [0.5, 1.25, 0.75, -1.0],
        }
    )
    point = noise.farthest(table, "coupling")
    assert point is not None and point[:4] == ("norm1", 4.0, 0.286, 0.401)
    assert point.excess == pytest.approx(0.401 / 0.286 - 1)
    below = noise.farthest(table, "mean")
    assert below is not None and below[:2] == ("norm2", 4.0) and below.excess == -0.25
    assert noise.farthest(table.iloc[[0]], "mean") is None, "nothing can be said of a zero"
